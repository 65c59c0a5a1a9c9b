/**
 * Bounds the time that a grid of subnets and batch sizes takes to be measured. A small grid is timed whole. Of a large one
 * some subnets, spread over all, are timed at every batch size; the others only at the middle one, and for the rest they
 * borrow what was timed of the subnet that was nearest there. Pure.
 */
import { percentile, type SubnetSamples } from '../latency-table.js';

/** A whole grid takes about so long at most: with many subnets a full one would take most of an hour. */
const wholeGridMs = 120_000;
/** Of the time for a cell, what a subnet that is timed at one batch size only gets for it. */
const briefly = 0.25;

export interface GridPlan {
  /** Subnets that are timed at every batch size. */
  full: ReadonlySet<string>;
  /** Where in the batch sizes the one lies that all subnets are timed at. */
  reference: number;
}

/** @param subnets ascending in cost */
export function planGrid(subnets: readonly string[], batches: readonly number[], cellBudgetMs: number): GridPlan {
  const reference = Math.floor((batches.length - 1) / 2);
  const rowMs = batches.length * cellBudgetMs;
  const affordable = Math.floor((wholeGridMs - subnets.length * briefly * cellBudgetMs) / rowMs);
  if (subnets.length * rowMs <= wholeGridMs) return { full: new Set(subnets), reference };
  const count = Math.max(2, affordable);
  const spread = Array.from({ length: count }, (_, i) => subnets[Math.round((i * (subnets.length - 1)) / (count - 1))]);
  return { full: new Set(spread.filter((id) => id !== undefined)), reference };
}

/** What a subnet is timed at: batch sizes, and the time for each. */
export function cellsOf(
  { full, reference }: GridPlan,
  id: string,
  batches: readonly number[],
  cellBudgetMs: number,
): { batches: number[]; budgetMs: number } {
  if (full.has(id)) return { batches: [...batches], budgetMs: cellBudgetMs };
  return { batches: batches.slice(reference, reference + 1), budgetMs: briefly * cellBudgetMs };
}

/**
 * The whole grid. Where a subnet was timed at the middle batch size only, the samples of the nearest fully timed subnet
 * take their place, stretched by the ratio of both medians there.
 */
export function filledIn(measured: readonly SubnetSamples[], { full, reference }: GridPlan): SubnetSamples[] {
  const medianOf = ({ samples }: SubnetSamples) => percentile(samples[reference] ?? [], 0.5);
  const lenders = measured.filter(({ id }) => full.has(id)).map((lender) => ({ lender, median: medianOf(lender) }));
  return measured.map((own) => {
    if (full.has(own.id)) return own;
    const median = medianOf(own);
    const distance = (other: number) => Math.abs(Math.log(other / median));
    const nearest = lenders.reduce((best, next) => (distance(next.median) < distance(best.median) ? next : best));
    const stretched = nearest.lender.samples.map((cell) => cell.map((ms) => (ms * median) / nearest.median));
    return { id: own.id, samples: stretched };
  });
}
