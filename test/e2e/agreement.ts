/**
 * The same load on the real system (real NATS, every service a process, emulated devices) and in the simulator. All times are
 * those of the six-point V100 table, forty times as long.
 */
import type { Serving } from '@slackline/cli';
import { type Figures, Load } from '@slackline/load';
import { createPolicy, tableOf } from '@slackline/scheduling';
import { type SimulationResult, simulate } from '@slackline/simulator';
import { generate, type Trace, type TraceSpecInput } from '@slackline/traces';
import { type DeviceTable, serveEmulated, slowedV100 } from './devices.js';

const deviceClass = 'emulated-slow';
const timesSlower = 40;
const workers = 8;
const sloMs = 36 * timesSlower;
/** Nearly what the eight devices bear on the fourth of six subnets: its bursts (CV² 4) need all that are smaller. */
const load: TraceSpecInput = { kind: 'gamma', rate: 180, cv2: 4, seconds: 20, seed: 2 };
/** Before it, on the live side: every process has then compiled what it runs. */
const warmUp: TraceSpecInput = { kind: 'poisson', rate: 120, seconds: 2, seed: 7 };

/**
 * What the simulation adds to the profile. Constants, the same for every run: one way between two processes in milliseconds,
 * at the median and the 99th percentile, about what such ways take on two cores that carry everything, the producer included; and
 * how much longer than its profile an emulated device takes.
 */
const hop = { p50: 2, p99: 8 };
const noise = { kind: 'factor', factor: { sorted: [1, 1.01] } } as const;

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
}

/** Plays `load` on both. */
export async function playBoth(policy: string): Promise<Agreement> {
  const table = await slowedV100('imagenet', deviceClass, timesSlower, sloMs);
  const trace = generate(load);
  const { live, stallMs } = await playLive(policy, table, trace);
  return { live, simulated: playSimulated(policy, table, trace), stallMs };
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
export function toText({ live, simulated, stallMs }: Agreement): string {
  const percent = (value: number) => `${(100 * value).toFixed(2)} %`.padStart(9);
  const row = (name: string, of: (side: Side) => number) =>
    `${name.padEnd(16)} live ${percent(of(live))}   simulated ${percent(of(simulated))}`;
  const ids = Object.keys(simulated.shares);
  return [
    `the machine stood still for at most ${stallMs.toFixed(0)} ms`,
    row('attainment', (side) => side.attainment),
    row('accuracy', (side) => side.accuracy),
    ...ids.map((id) => row(id, (side) => side.shares[id] ?? 0)),
  ].join('\n');
}

async function playLive(policy: string, table: DeviceTable, trace: Trace): Promise<Omit<Agreement, 'simulated'>> {
  const serving = await serveEmulated([table], workers, policy);
  try {
    await sent(serving, generate(warmUp));
    const figures = await sent(serving, trace);
    return { live: sideOf(figures), stallMs: figures.lagMs.max };
  } finally {
    await serving.stop();
  }
}

function sent({ system, subjects, model }: Serving, arrivals: Trace): Promise<Figures> {
  const to = { natsUrl: system.natsUrl, subjectPrefix: subjects.prefix };
  return new Load({ ...to, models: [{ entry: model }], arrivals }, () => {}).done;
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

function playSimulated(policy: string, table: DeviceTable, trace: Trace): Side {
  const result: SimulationResult = simulate({
    trace,
    models: [{ name: 'imagenet', sloMs, tables: { [deviceClass]: tableOf(table) } }],
    workers: [{ count: workers, deviceClass }],
    policy: createPolicy(policy),
    conditions: 'estimated',
    sendsAhead: true,
    busDelayMs: hop,
    // From ingest, where the time limit begins to count, over the stream to the scheduler: two ways.
    intakeDelayMs: { p50: 2 * hop.p50, p99: 2 * hop.p99 },
    noise,
  });
  const { accepted, attainment, meanAccuracy, subnets } = result;
  const shares = Object.fromEntries(subnets.map(({ id, share }) => [id, share]));
  return { accepted, attainment, accuracy: meanAccuracy, shares };
}
