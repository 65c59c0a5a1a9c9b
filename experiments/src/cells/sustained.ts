/** The highest rate that still attains what is wanted, found by halving: a task for threads. */
import type { TraceSpecInput } from '@slackline/traces';
import type { Cell } from './cell.js';
import { runCell } from './run-cell.js';

export interface SustainedTask {
  /** What is run at each rate. */
  readonly cell: Omit<Cell, 'trace'>;
  /** CV² of the gaps; 0: evenly spaced. */
  readonly cv2: number;
  /** Of each trial, in the mean. */
  readonly queries: number;
  /** Attainment that counts as sustained. */
  readonly wanted: number;
  /** A rate that is certainly too much, in queries a second. */
  readonly above: number;
}

export interface Sustained {
  /** Queries a second; 0 when nothing is sustained. */
  readonly rate: number;
  readonly attainment: number;
  readonly meanBatch: number;
}

/** The rate is found to this share of itself. */
const precision = 0.005;

/** Attainment falls with the rate but for noise, which the width of the precision covers. */
export async function sustainedRate(task: SustainedTask): Promise<Sustained> {
  let best: Sustained = { rate: 0, attainment: 1, meanBatch: 0 };
  let tooMuch = task.above;
  while (tooMuch - best.rate > precision * tooMuch) {
    const rate = (best.rate + tooMuch) / 2;
    const { attainment, meanBatch } = await runCell({ ...task.cell, trace: traceAt(rate, task) });
    if (attainment >= task.wanted) best = { rate, attainment, meanBatch };
    else tooMuch = rate;
  }
  return best;
}

function traceAt(rate: number, { cv2, queries, cell }: SustainedTask): TraceSpecInput {
  const common = { rate, seconds: queries / rate, seed: cell.seed };
  return cv2 === 0 ? { kind: 'constant', ...common } : { kind: 'gamma', cv2, ...common };
}
