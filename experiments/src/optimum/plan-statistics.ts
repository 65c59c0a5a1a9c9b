/** What an optimal plan is made of. */
import type { Filled } from './fill.js';
import type { Window } from './windows.js';

export interface PlanShares {
  /** Share of the queries that are answered, and by subnet. */
  readonly answered: number;
  readonly subnets: readonly number[];
  readonly batches: number;
  readonly meanBatch: number;
}

export function sharesOf(queries: number, plan: Filled, subnets: number): PlanShares {
  const bySubnet = new Array<number>(subnets).fill(0);
  for (const { start, arrivals } of plan.batches)
    bySubnet[start.subnet] = (bySubnet[start.subnet] ?? 0) + arrivals.length;
  const answered = bySubnet.reduce((sum, count) => sum + count, 0);
  return {
    answered: answered / queries,
    subnets: bySubnet.map((count) => count / queries),
    batches: plan.batches.length,
    meanBatch: answered / plan.batches.length,
  };
}

/** One line: pairs with how often they are used, and how long queries wait. */
export function planStatistics({ instance }: Window, plan: Filled, subnets: readonly string[]): string {
  const pairs = new Map<string, number>();
  for (const { start } of plan.batches) {
    const key = `${subnets[start.subnet]} x${start.batch}`;
    pairs.set(key, (pairs.get(key) ?? 0) + 1);
  }
  const { answered, meanBatch } = sharesOf(instance.arrivals.length, plan, subnets.length);
  const most = [...pairs].sort((a, b) => b[1] - a[1]).map(([key, count]) => `${count}·${key}`);
  const waits = plan.batches.flatMap(({ start, arrivals }) => arrivals.map((tick) => start.at - tick));
  const meanWait = (waits.reduce((sum, wait) => sum + wait, 0) / waits.length) * instance.gridMs;
  return `answered ${answered.toFixed(3)}, mean batch ${meanBatch.toFixed(1)}, mean wait ${meanWait.toFixed(1)} ms: ${most.join(', ')}`;
}
