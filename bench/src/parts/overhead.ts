/**
 * What everything but the device adds to a query: from when the producer sends it to when it has the answer, less the time
 * that the emulated device really held the batch (the answer says it). Few queries, and the least subnet: no batch waits for
 * another one. Beside it what the same hops take without any logic and without a device: relays that only pass messages on.
 */
import type { Records } from '@slackline/load';
import { ceiling } from '../ceiling/index.js';
import type { PartContext } from '../context.js';
import { type Percentiles, percentiles } from '../latency.js';
import { slackline } from '../slackline/system.js';
import { Stage } from '../stage.js';

const rate = 100;
const policy = 'fixed:smallest';
const settings = { storage: 'memory', payloadBytes: 784 } as const;
/** Long enough for what is compiled once to have been compiled: at 100 queries a second that takes a while. */
const warmUp = { rate: 4_000, seconds: 4 };

export interface OverheadFigures extends Percentiles {
  readonly rate: number;
  readonly policy: string;
  readonly queries: number;
  /** Door to answer. */
  readonly roundTripMs: Percentiles;
  /** As the worker measured it. */
  readonly deviceMs: Percentiles;
  /** Of the relays, from sending to answer; earlier results have none. */
  readonly relaysMs?: Percentiles;
}

type OwnFigures = Omit<OverheadFigures, 'rate' | 'policy' | 'relaysMs'>;

export async function overhead(context: PartContext): Promise<OverheadFigures> {
  const figures = await ofSlackline(context);
  const relaysMs = await ofRelays(context);
  const [ours, bare] = [figures, relaysMs].map(({ p50 }) => `p50 ${p50.toFixed(2)} ms`);
  context.say(`overhead at ${rate} qps: ${ours}; relays: ${bare}`);
  return { rate, policy, ...figures, relaysMs };
}

async function ofSlackline({ choices, pace, signal, say }: PartContext): Promise<OwnFigures> {
  const running = await slackline({ ...choices, policy }).start({ ...settings, signal });
  try {
    const stage = new Stage({ name: 'slackline', running, say, signal, pace, steps: [] });
    for (const asked of [warmUp, { rate, seconds: 1 }]) await stage.step('warm-up', asked);
    const { records } = await running.send({ rate, seconds: 2 * pace.measureSeconds }, { records: true });
    if (records === undefined) throw new Error('the load kept no records');
    return overheadOf(records);
  } finally {
    await running.stop();
  }
}

async function ofRelays({ pace, signal, say }: PartContext): Promise<Percentiles> {
  const running = await ceiling.start({ ...settings, signal });
  try {
    const stage = new Stage({ name: 'relays', running, say, signal, pace, steps: [] });
    for (const asked of [warmUp, { rate, seconds: 1 }]) await stage.step('warm-up', asked);
    const { roundTripMs } = await stage.step('step', { rate, seconds: 2 * pace.measureSeconds });
    if (roundTripMs === undefined) throw new Error('the relays’ load did not tell when it sent');
    return roundTripMs;
  } finally {
    await running.stop();
  }
}

/** Over the queries that were answered. */
export function overheadOf({
  sentMs,
  endedMs,
  inferenceMs,
}: Pick<Records, 'sentMs' | 'endedMs' | 'inferenceMs'>): OwnFigures {
  const answered = [...inferenceMs.keys()].filter((i) => Number.isFinite(inferenceMs[i]));
  const column = (value: (i: number) => number) => percentiles(Float64Array.from(answered, value));
  const roundTrip = (i: number) => (endedMs[i] ?? 0) - (sentMs[i] ?? 0);
  const device = (i: number) => inferenceMs[i] ?? 0;
  return {
    ...column((i) => roundTrip(i) - device(i)),
    queries: answered.length,
    roundTripMs: column(roundTrip),
    deviceMs: column(device),
  };
}
