/** What an optimal plan is made of. */
import type { Filled } from './fill.js';
import type { Instance } from './instance.js';

export interface PlanShares {
  /** Share of the queries that are answered, and by subnet. */
  readonly answered: number;
  readonly subnets: readonly number[];
  /** Share of the time from the first arrival to the last that devices are busy. */
  readonly busy: number;
  readonly meanBatch: number;
}

export function sharesOf({ arrivals, accuracy, devices }: Instance, plan: Filled): PlanShares {
  const bySubnet = accuracy.map(() => 0);
  for (const { start, arrivals: taken } of plan.batches) {
    bySubnet[start.subnet] = (bySubnet[start.subnet] ?? 0) + taken.length;
  }
  const answered = bySubnet.reduce((sum, count) => sum + count, 0);
  const [first = 0, last = 0] = [arrivals[0], arrivals.at(-1)];
  const busyTicks = plan.batches.reduce(
    (sum, { start: { at, ticks } }) => sum + Math.max(0, Math.min(at + ticks, last) - at),
    0,
  );
  return {
    answered: answered / arrivals.length,
    subnets: bySubnet.map((count) => count / arrivals.length),
    busy: busyTicks / (devices * Math.max(1, last - first)),
    meanBatch: answered / plan.batches.length,
  };
}

/** One line: pairs with how often they are used, and how long queries wait. */
export function planStatistics(instance: Instance, plan: Filled, subnets: readonly string[]): string {
  const pairs = new Map<string, number>();
  for (const { start } of plan.batches) {
    const key = `${subnets[start.subnet]} x${start.batch}`;
    pairs.set(key, (pairs.get(key) ?? 0) + 1);
  }
  const { answered, busy, meanBatch } = sharesOf(instance, plan);
  const most = [...pairs].sort((a, b) => b[1] - a[1]).map(([key, count]) => `${count}·${key}`);
  const waits = plan.batches.flatMap(({ start, arrivals }) => arrivals.map((tick) => start.at - tick));
  const meanWait = (waits.reduce((sum, wait) => sum + wait, 0) / waits.length) * instance.gridMs;
  return `answered ${answered.toFixed(3)}, busy ${busy.toFixed(2)}, mean batch ${meanBatch.toFixed(1)}, mean wait ${meanWait.toFixed(1)} ms: ${most.join(', ')}`;
}
