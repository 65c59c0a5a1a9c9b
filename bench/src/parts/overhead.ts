/**
 * What everything but the device adds to a query: from when the producer sends it to when it has the answer, less the time
 * that the emulated device really held the batch (the answer says it). Few queries, and the least subnet: no batch waits for
 * another one. Right after it what the same hops take without any logic and without a device: relays that only pass messages
 * on. Both in turns, each started anew.
 */
import type { Records } from '@slackline/load';
import { ceiling } from '../ceiling/index.js';
import { oneByOne, type PartContext } from '../context.js';
import { type Percentiles, percentiles } from '../latency.js';
import { slackline } from '../slackline/system.js';
import { Stage } from '../stage.js';

const rate = 100;
const policy = 'fixed:smallest';
const settings = { storage: 'memory', payloadBytes: 784 } as const;
/** Long enough for what is compiled once to have been compiled: at 100 queries a second that takes a while. */
const warmUp = { rate: 4_000, seconds: 4 };
const mostRounds = 9;

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
  /** What each round found; earlier results have none. */
  readonly rounds?: readonly { readonly p50: number; readonly relaysP50: number }[];
}

type OwnFigures = Omit<OverheadFigures, 'rate' | 'policy' | 'relaysMs' | 'rounds'>;
type Round = OwnFigures & { readonly relaysMs: Percentiles };

/** As many rounds as there is time for: one of a few seconds finds 1.2 ms or 2.0, whatever the machine does meanwhile. */
export async function overhead(context: PartContext): Promise<OverheadFigures> {
  let roundSeconds = 0;
  const rounds = await oneByOne(Array.from({ length: mostRounds }), context, async (_, place) => {
    if (place > 0 && !context.time.has(roundSeconds)) return undefined;
    const leftBefore = context.time.left();
    const round: Round = { ...(await ofSlackline(context)), relaysMs: await ofRelays(context) };
    roundSeconds = leftBefore - context.time.left();
    const [ours, bare] = [round, round.relaysMs].map(({ p50 }) => `p50 ${p50.toFixed(2)} ms`);
    context.say(`overhead at ${rate} qps: ${ours}; relays: ${bare}`);
    return round;
  });
  return { rate, policy, ...middleOf(rounds) };
}

/** Each percentile is the middle one of the rounds', of an even number the higher: no round is left out because it was worse. */
export function middleOf(rounds: readonly Round[]): Omit<OverheadFigures, 'rate' | 'policy'> {
  const each = (one: (round: Round) => Percentiles): Percentiles => {
    const of = (name: keyof Percentiles) => middle(rounds.map((round) => one(round)[name]));
    return { p50: of('p50'), p99: of('p99'), p999: of('p999') };
  };
  return {
    ...each((round) => round),
    queries: rounds.reduce((sum, { queries }) => sum + queries, 0),
    roundTripMs: each(({ roundTripMs }) => roundTripMs),
    deviceMs: each(({ deviceMs }) => deviceMs),
    relaysMs: each(({ relaysMs }) => relaysMs),
    rounds: rounds.map(({ p50, relaysMs }) => ({ p50, relaysP50: relaysMs.p50 })),
  };
}

async function ofSlackline({ choices, pace, signal, say }: PartContext): Promise<OwnFigures> {
  const running = await slackline({ ...choices, policy }).start({ ...settings, signal });
  try {
    const stage = new Stage({ name: 'slackline', running, say, signal, pace, steps: [] });
    for (const asked of [warmUp, { rate, seconds: 1 }]) await stage.step('warm-up', asked);
    const { records } = await running.send({ rate, seconds: pace.measureSeconds }, { records: true });
    if (records === undefined) throw new Error('the load kept no records');
    const figures = overheadOf(records);
    const sent = records.sentMs.length;
    if (figures.queries < sent) throw new Error(`${figures.queries} of ${sent} queries were answered`);
    return figures;
  } finally {
    await running.stop();
  }
}

async function ofRelays({ pace, signal, say }: PartContext): Promise<Percentiles> {
  const running = await ceiling.start({ ...settings, signal });
  try {
    const stage = new Stage({ name: 'relays', running, say, signal, pace, steps: [] });
    for (const asked of [warmUp, { rate, seconds: 1 }]) await stage.step('warm-up', asked);
    const { roundTripMs } = await stage.step('step', { rate, seconds: pace.measureSeconds });
    if (roundTripMs === undefined) throw new Error('the relays’ load did not tell when it sent');
    return roundTripMs;
  } finally {
    await running.stop();
  }
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
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
