/** How much a build measures: the defaults, the quick choice, and what a time budget leaves of them. Pure. */
import type { TimingPlan } from './latency-predictor.js';

export interface Effort {
  /** Subnets whose accuracy is measured during the search. */
  measurements: number;
  /** Calibration and held-out rows for each of them. */
  search: { calibration: number; heldOut: number };
  /** The best of them are measured again on all rows: at least so many. */
  survivors: number;
  timing: TimingPlan;
}

export interface EffortOptions {
  measurements?: number | undefined;
  quick?: boolean | undefined;
  /** Whether what others beat is kept, too: then as many as are kept must be measured. */
  fill?: boolean | undefined;
}

const usual: Effort = {
  measurements: 120,
  search: { calibration: 512, heldOut: 2_500 },
  survivors: 48,
  timing: { subnets: 48, rows: 8, runs: 12 },
};
const quick: Effort = {
  measurements: 40,
  search: { calibration: 256, heldOut: 1_250 },
  survivors: 16,
  timing: { subnets: 32, rows: 8, runs: 8 },
};
/** Fewer tell nothing about a space. */
const fewest = 8;

/** Rows that a build has, and the multiply-accumulates of a subnet of usual size. */
export interface Size {
  calibration: number;
  heldOut: number;
  test: number;
  front: number;
}

export function effortOf({ quick: isQuick, measurements, fill }: EffortOptions, front: number): Effort {
  const base = isQuick === true ? quick : usual;
  // Of what is kept, each is measured in full; and so are some that may turn out better than they seemed.
  const survivors = Math.max(base.survivors, Math.ceil(1.25 * front));
  const least = fill === true ? survivors : 2;
  return { ...base, survivors, measurements: Math.max(measurements ?? base.measurements, least) };
}

/** Rows that pass through a network of usual size: in the search, for the survivors, and for the test accuracies. */
export function plannedRows({ measurements, search, survivors }: Effort, size: Size): number {
  const row = (available: number, asked: number) => Math.min(available, asked);
  const searched = row(size.calibration, search.calibration) + row(size.heldOut, search.heldOut);
  const kept = Math.min(survivors, measurements);
  return measurements * searched + kept * (size.calibration + size.heldOut) + Math.min(kept, size.front) * size.test;
}

/**
 * The effort that fits into a time: fewer measurements and survivors in proportion, never fewer than a handful.
 *
 * @param rowMs milliseconds for one row of a subnet of usual size, over all threads
 */
export function withinBudget(effort: Effort, size: Size, rowMs: number, budgetMs: number): Effort {
  const share = budgetMs / (plannedRows(effort, size) * rowMs);
  if (share >= 1) return effort;
  const fewer = (count: number) => Math.max(fewest, Math.floor(count * share));
  return {
    ...effort,
    measurements: Math.min(effort.measurements, fewer(effort.measurements)),
    survivors: Math.min(effort.survivors, fewer(effort.survivors)),
  };
}
