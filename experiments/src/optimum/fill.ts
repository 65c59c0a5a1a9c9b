/**
 * Which query goes into which batch, for batches whose starts are given. In order of their starts, each batch takes the most
 * urgent of the waiting queries that it can still answer in time. No other rule fills more places: whatever a later batch
 * could do with the more urgent of two queries, it could do with the less urgent one too, because both have arrived.
 */
import { Arrivals, type Instance, type Plan, type Start } from './instance.js';
import { type Crowded, servedTicks } from './program.js';

export interface Filled {
  /** Batches in order of their starts, with as many queries as they really get; empty ones are left out. */
  readonly batches: Plan;
  /** Sum of the accuracies of the answers in time. */
  readonly utility: number;
  /** Whether every place was taken. */
  readonly full: boolean;
}

export function fill(instance: Instance, starts: readonly Start[]): Filled {
  const left = new Map<number, number>();
  for (const tick of instance.arrivals) left.set(tick, (left.get(tick) ?? 0) + 1);
  const inOrder = [...starts].sort((a, b) => a.at - b.at || a.ticks - b.ticks);
  let [utility, full] = [0, true];
  const batches = inOrder.flatMap((start) => {
    const { from, to } = servedTicks(instance, start);
    const arrivals: number[] = [];
    for (let tick = from; tick <= to && arrivals.length < start.batch; tick += 1) {
      const taken = Math.min(left.get(tick) ?? 0, start.batch - arrivals.length);
      if (taken === 0) continue;
      left.set(tick, (left.get(tick) ?? 0) - taken);
      for (let i = 0; i < taken; i += 1) arrivals.push(tick);
    }
    full &&= arrivals.length === start.batch;
    utility += arrivals.length * (instance.accuracy[start.subnet] ?? 0);
    return arrivals.length === 0 ? [] : [{ start, arrivals }];
  });
  return { batches, utility, full };
}

/**
 * Intervals of arrivals that the batches ask more queries of than there are (Hall's condition; every batch takes from one
 * interval of ticks, so that intervals are the only sets to look at). Every such interval with its shortest end; none when
 * all batches can be filled.
 */
export function crowdedIntervals(instance: Instance, starts: readonly Start[]): Crowded[] {
  const counts = new Arrivals(instance);
  const spans = starts.map((start) => ({ ...servedTicks(instance, start), batch: start.batch }));
  return [...new Set(spans.map(({ from }) => from))].flatMap((from) => {
    const inside = spans.filter((span) => span.from >= from).sort((a, b) => a.to - b.to);
    let asked = 0;
    for (const { to, batch } of inside) {
      asked += batch;
      if (asked > counts.within(from, to)) return [{ from, to }];
    }
    return [];
  });
}
