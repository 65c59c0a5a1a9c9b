/**
 * The same load on the real system (real NATS, every service a process, emulated devices) and in the simulator. All times are
 * those of the six-point V100 table, twenty times as long.
 */
import type { Serving } from '@slackline/cli';
import { type Figures, Load } from '@slackline/load';
import { createPolicy } from '@slackline/scheduling';
import { type SimulationResult, simulate, tableOf } from '@slackline/simulator';
import { generate, type Trace, type TraceSpecInput } from '@slackline/traces';
import { type DeviceTable, serveEmulated, slowedV100 } from './devices.js';

const deviceClass = 'emulated-slow';
const timesSlower = 20;
const workers = 4;
const sloMs = 36 * timesSlower;
/** About what the four devices bear on the fourth of six subnets: its bursts (CV² 4) need all that are smaller. */
export const load: TraceSpecInput = { kind: 'gamma', rate: 180, cv2: 4, seconds: 20, seed: 1 };
/**
 * Before it, on the live side: every process has then compiled what it runs, and what the machine adds to the profile is
 * measured, for the simulation of the load that follows.
 */
const warmUp: TraceSpecInput = { kind: 'poisson', rate: 120, seconds: 4, seed: 7 };
/** That first part of it counts for nothing: it meets code that is not compiled yet. */
const coldMs = 2_000;
/** Ways between processes in the part of a query's latency that is neither queue nor inference. */
const hops = 5;

/** What is compared. */
export interface Side {
  accepted: number;
  attainment: number;
  /** Mean of the profile's accuracies over the answers in time. */
  accuracy: number;
  /** Share of each subnet in the answers. */
  shares: Readonly<Record<string, number>>;
}

export interface Agreement {
  live: Side;
  simulated: Side;
  /** How late the producer sent its latest query, by its own clock: for so long the machine stood still. */
  stallMs: number;
  /** What the simulation added to the profile, as it was measured before the load. */
  added: Added;
}

/** What a machine adds to the profile: measured values, ascending. */
interface Added {
  /** One way between two processes. */
  hopMs: readonly number[];
  /** Times of inference over the profile's. */
  factor: readonly number[];
}

/** Plays `load` on both. */
export async function playBoth(policy: string): Promise<Agreement> {
  const table = await slowedV100('imagenet', deviceClass, timesSlower, sloMs);
  const trace = generate(load);
  const { live, stallMs, added } = await playLive(policy, table, trace);
  return { live, simulated: playSimulated(policy, table, trace, added), stallMs, added };
}

/** Absolute differences: the shares' is that of the subnet that differs most. */
export function differencesOf({ live, simulated }: Agreement): { attainment: number; accuracy: number; share: number } {
  const ids = [...new Set([...Object.keys(live.shares), ...Object.keys(simulated.shares)])];
  return {
    attainment: Math.abs(live.attainment - simulated.attainment),
    accuracy: Math.abs(live.accuracy - simulated.accuracy),
    share: Math.max(...ids.map((id) => Math.abs((live.shares[id] ?? 0) - (simulated.shares[id] ?? 0)))),
  };
}

/** Both sides as lines for a person. */
export function toText({ live, simulated, stallMs, added }: Agreement): string {
  const percent = (value: number) => `${(100 * value).toFixed(2)} %`.padStart(9);
  const row = (name: string, of: (side: Side) => number) =>
    `${name.padEnd(16)} live ${percent(of(live))}   simulated ${percent(of(simulated))}`;
  const ids = Object.keys(simulated.shares);
  const at = (sorted: readonly number[], share: number) =>
    (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(2);
  const { hopMs, factor } = added;
  return [
    `before it a hop took ${at(hopMs, 0.5)} ms (p50), ${at(hopMs, 0.99)} ms (p99); batches ${at(factor, 0.5)} to ${at(factor, 0.99)} times the profile`,
    `the machine stood still for at most ${stallMs.toFixed(0)} ms`,
    row('attainment', (side) => side.attainment),
    row('accuracy', (side) => side.accuracy),
    ...ids.map((id) => row(id, (side) => side.shares[id] ?? 0)),
  ].join('\n');
}

async function playLive(policy: string, table: DeviceTable, trace: Trace): Promise<Omit<Agreement, 'simulated'>> {
  const serving = await serveEmulated([table], workers, policy);
  try {
    const before = await sent(serving, generate(warmUp));
    const figures = await sent(serving, trace);
    return { live: sideOf(figures), stallMs: figures.lagMs.max, added: addedIn(before, table) };
  } finally {
    await serving.stop();
  }
}

function sent({ system, subjects, model }: Serving, arrivals: Trace): Promise<Figures> {
  const to = { natsUrl: system.natsUrl, subjectPrefix: subjects.prefix };
  return new Load({ ...to, models: [{ entry: model }], arrivals, records: true }, () => {}).done;
}

/**
 * A query goes from the producer to ingest, to the stream, (waits,) to a worker, (runs,) to the scheduler and back to the
 * producer: what its latency has beside waiting and running are five hops.
 */
function addedIn({ records }: Figures, table: DeviceTable): Added {
  if (records === undefined) throw new Error('the load kept no records');
  const { dueMs, latencyMs, queueMs, inferenceMs, batchSize, subnet, subnets } = records;
  const grid = tableOf(table);
  const indexOf = (place: number) => table.subnets.findIndex(({ id }) => id === subnets[place]?.id);
  const answered = [...dueMs.keys()].filter((i) => (dueMs[i] ?? 0) >= coldMs && (subnet[i] ?? -1) >= 0);
  const ascending = (of: (query: number) => number) => answered.map(of).sort((a, b) => a - b);
  return {
    hopMs: ascending((i) => Math.max(0, (latencyMs[i] ?? 0) - (queueMs[i] ?? 0) - (inferenceMs[i] ?? 0)) / hops),
    factor: ascending((i) => (inferenceMs[i] ?? 0) / grid.estimate(indexOf(subnet[i] ?? -1), batchSize[i] ?? 1)),
  };
}

function sideOf({ outcomes, accuracySum, subnets }: Figures): Side {
  const accepted = outcomes.ok + outcomes.late + outcomes.expired + outcomes.failed;
  const answers = outcomes.ok + outcomes.late;
  return {
    accepted,
    attainment: outcomes.ok / accepted,
    accuracy: accuracySum / outcomes.ok,
    shares: Object.fromEntries(subnets.map((subnet) => [subnet.id, subnet.answers / answers])),
  };
}

function playSimulated(policy: string, table: DeviceTable, trace: Trace, { hopMs, factor }: Added): Side {
  const result: SimulationResult = simulate({
    trace,
    models: [{ name: 'imagenet', sloMs, tables: { [deviceClass]: tableOf(table) } }],
    workers: [{ count: workers, deviceClass }],
    policy: createPolicy(policy),
    conditions: 'estimated',
    busDelayMs: { sorted: hopMs },
    // From ingest, where the time limit begins to count, over the stream to the scheduler.
    intakeDelayMs: { sorted: hopMs.map((ms) => 2 * ms) },
    noise: { kind: 'factor', factor: { sorted: factor } },
  });
  const { accepted, attainment, meanAccuracy, subnets } = result;
  const shares = Object.fromEntries(subnets.map(({ id, share }) => [id, share]));
  return { accepted, attainment, accuracy: meanAccuracy, shares };
}
