/**
 * What everything but the device adds to a query: from when the producer sends it to when it has the answer, less the time
 * that the emulated device really held the batch (the answer says it). Few queries, and the least subnet: no batch waits for
 * another one.
 */
import type { Records } from '@slackline/load';
import type { PartContext } from '../context.js';
import { type Percentiles, percentiles } from '../latency.js';
import { slackline } from '../slackline/system.js';
import { Stage } from '../stage.js';

const rate = 100;
const policy = 'fixed:smallest';
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
}

export async function overhead({ choices, pace, signal, say }: PartContext): Promise<OverheadFigures> {
  const settings = { storage: 'memory', payloadBytes: 784, signal } as const;
  const running = await slackline({ ...choices, policy }).start(settings);
  try {
    const stage = new Stage({ name: 'slackline', running, say, signal, pace, steps: [] });
    for (const asked of [warmUp, { rate, seconds: 1 }]) await stage.step('warm-up', asked);
    const { records } = await running.send({ rate, seconds: 2 * pace.measureSeconds }, { records: true });
    if (records === undefined) throw new Error('the load kept no records');
    const figures = { rate, policy, ...overheadOf(records) };
    say(`overhead at ${rate} qps: p50 ${figures.p50.toFixed(2)} ms, p99 ${figures.p99.toFixed(2)} ms`);
    return figures;
  } finally {
    await running.stop();
  }
}

/** Over the queries that were answered. */
export function overheadOf({
  sentMs,
  endedMs,
  inferenceMs,
}: Pick<Records, 'sentMs' | 'endedMs' | 'inferenceMs'>): Omit<OverheadFigures, 'rate' | 'policy'> {
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
