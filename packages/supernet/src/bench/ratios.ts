/**
 * Time in the actuated graph over time of the same subnet extracted into a static graph with all of ONNX Runtime's
 * optimizations. The two are run in turn, so that a busy machine slows both, and medians are compared.
 *
 *   steady       the subnet stays
 *   alternating  another subnet before every run, on both sides, the switch counted; default session
 *   anew         the same where the session has room for one actuated subnet: each switch makes all weights
 */
import * as ort from 'onnxruntime-node';
import { SupernetSession } from '../runtime/session.js';
import { median, pixels, timed } from './measure.js';
import { inputOf, type ServedModel } from './served.js';

export const BATCHES = [1, 4, 16] as const;
const WARM_UP_ROUNDS = 3;

/** How long one cell may take: rounds until the time is up, within these bounds. */
export interface Effort {
  readonly cellMs: number;
  readonly minRounds: number;
  readonly maxRounds: number;
}

/** Medians in milliseconds, of one subnet at one batch size. */
export interface Cell {
  readonly subnet: string;
  readonly batch: number;
  readonly rounds: number;
  readonly extractedMs: number;
  readonly actuatedMs: number;
  readonly steady: number;
  readonly alternating: number;
  readonly anew: number;
}

type Times = Record<'still' | 'steady' | 'stillAfter' | 'alternating' | 'anew', number[]>;

interface Sides {
  readonly model: ServedModel;
  readonly stills: readonly ort.InferenceSession[];
  readonly session: SupernetSession;
  /** A session that keeps one actuated subnet. */
  readonly forgetful: SupernetSession;
}

export async function measureRatios(
  model: ServedModel,
  stills: readonly ort.InferenceSession[],
  effort: Effort,
  progress: (done: number, total: number) => void,
): Promise<Cell[]> {
  const session = await SupernetSession.open(model.supernet, model.subnets);
  const forgetful = await SupernetSession.open(model.supernet, model.subnets, { actuatedBytes: 0 });
  const cells: Cell[] = [];
  for (const batch of BATCHES) {
    for (const index of model.subnets.keys()) {
      progress(cells.length, model.subnets.length * BATCHES.length);
      cells.push(await measureCell({ model, stills, session, forgetful }, index, batch, effort));
    }
  }
  await Promise.all([session.release(), forgetful.release()]);
  return cells;
}

async function measureCell(sides: Sides, index: number, batch: number, effort: Effort): Promise<Cell> {
  const times: Times = { still: [], steady: [], stillAfter: [], alternating: [], anew: [] };
  const count = sides.model.subnets.length;
  const { minRounds, maxRounds, cellMs } = effort;
  let until = 0;
  let rounds = -WARM_UP_ROUNDS;
  for (; rounds < maxRounds && (rounds < minRounds || performance.now() < until); rounds++) {
    if (rounds === 0) until = performance.now() + cellMs;
    const other = (index + 1 + ((rounds + WARM_UP_ROUNDS) % Math.max(1, count - 1))) % count;
    const once = await round(sides, index, other, batch);
    if (rounds < 0) continue;
    for (const [what, ms] of Object.entries(once)) times[what as keyof Times].push(ms);
  }
  const [extractedMs, actuatedMs] = [median(times.still), median(times.steady)];
  const after = median(times.stillAfter);
  return {
    subnet: sides.model.subnets[index]?.id ?? '',
    batch,
    rounds,
    extractedMs,
    actuatedMs,
    steady: actuatedMs / extractedMs,
    alternating: median(times.alternating) / after,
    anew: median(times.anew) / after,
  };
}

/** One measurement of each kind. What ran just before decides what the caches hold: on both sides the same. */
async function round(sides: Sides, index: number, other: number, batch: number): Promise<Record<keyof Times, number>> {
  const { stills, session, forgetful, model } = sides;
  const { name, sizes, perRow } = inputOf(model.supernet);
  const data = pixels(batch * perRow);
  const still = async (which: number): Promise<unknown> => {
    return stills[which]?.run({ [name]: new ort.Tensor('uint8', data, [batch, ...sizes]) });
  };
  const switched = (to: SupernetSession, which: number): Promise<unknown> => {
    to.actuate(which);
    return to.run(data, batch);
  };
  await still(index);
  const stillMs = await timed(() => still(index));
  await switched(session, index);
  const steady = await timed(() => session.run(data, batch));
  await still(other);
  const stillAfter = await timed(() => still(index));
  await switched(session, other);
  const alternating = await timed(() => switched(session, index));
  await switched(forgetful, other);
  const anew = await timed(() => switched(forgetful, index));
  return { still: stillMs, steady, stillAfter, alternating, anew };
}
