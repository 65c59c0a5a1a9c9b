/**
 * What everything but the device adds to a query: from when the producer sends it to when it has the answer, less the time
 * that the emulated device really held the batch (the answer says it). Few queries, and the least subnet: no batch waits for
 * another one. Right after it what the same hops take without any logic and without a device: relays that only pass messages
 * on. Both in turns, each started anew.
 */
import { ceiling } from '../ceiling/index.js';
import type { Contender, StepAsked } from '../contender.js';
import { oneByOne, type PartContext } from '../context.js';
import type { Percentiles } from '../latency.js';
import { slackline } from '../slackline/system.js';
import { Stage, type Step } from '../stage.js';

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

/** So few queries that none waits for another, each of which is followed. */
export function fewQueries(seconds: number): StepAsked {
  return { rate, seconds, isTraced: true };
}

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

async function ofSlackline(context: PartContext): Promise<OwnFigures> {
  const step = await alone(slackline({ ...context.choices, policy }), context);
  const { overheadMs, roundTripMs, deviceMs, back, sent } = step;
  if (overheadMs === undefined || roundTripMs === undefined || deviceMs === undefined) {
    throw new Error('the load kept no records');
  }
  if (back < sent) throw new Error(`${back} of ${sent} queries were answered`);
  return { ...overheadMs, queries: back, roundTripMs, deviceMs };
}

async function ofRelays(context: PartContext): Promise<Percentiles> {
  const { roundTripMs } = await alone(ceiling, context);
  if (roundTripMs === undefined) throw new Error('the relays’ load did not tell when it sent');
  return roundTripMs;
}

/** A step of one that was started for it. */
async function alone(contender: Contender, { pace, signal, say }: PartContext): Promise<Step> {
  const running = await contender.start({ ...settings, signal });
  try {
    const stage = new Stage({ name: contender.name, running, say, signal, pace, steps: [] });
    for (const asked of [warmUp, { rate, seconds: 1 }]) await stage.step('warm-up', asked);
    return await stage.step('step', fewQueries(pace.measureSeconds));
  } finally {
    await running.stop();
  }
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
