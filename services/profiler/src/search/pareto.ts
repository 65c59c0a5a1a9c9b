/** Comparing subnets by two goals, low cost and high accuracy: ranks of non-domination, crowding, hypervolume. Pure. */
import { paretoFront, type Rated } from '../stages/select.js';

/** Whether `a` is at least as good as `b` in both goals and better in one. */
export function dominates(a: Rated, b: Rated): boolean {
  return a.cost <= b.cost && a.accuracy >= b.accuracy && (a.cost < b.cost || a.accuracy > b.accuracy);
}

/**
 * The fronts one after the other: the first is dominated by none, the second by members of the first only, and so on.
 * Fast non-dominated sorting for two goals: in ascending cost, each goes to the first front whose last does not
 * dominate it (Jensen, 2003).
 */
export function nonDominatedFronts<T extends Rated>(all: readonly T[]): T[][] {
  const fronts: T[][] = [];
  for (const one of [...all].sort((a, b) => a.cost - b.cost || b.accuracy - a.accuracy)) {
    const front = fronts.find((members) => {
      const last = members.at(-1);
      return last === undefined || !dominates(last, one);
    });
    if (front === undefined) fronts.push([one]);
    else front.push(one);
  }
  return fronts;
}

/** How far apart a member's neighbours on its front are (Deb et al., NSGA-II, 2002); the ends are infinitely far. */
export function crowding(front: readonly Rated[]): number[] {
  const distances = front.map(() => 0);
  for (const goal of [({ cost }: Rated) => Math.log(cost), ({ accuracy }: Rated) => accuracy]) {
    const order = front.map((one, index) => ({ index, value: goal(one) })).sort((a, b) => a.value - b.value);
    const span = (order.at(-1)?.value ?? 0) - (order[0]?.value ?? 0);
    for (const [place, { index }] of order.entries()) {
      const [before, after] = [order[place - 1], order[place + 1]];
      const gap = before === undefined || after === undefined ? Number.POSITIVE_INFINITY : after.value - before.value;
      distances[index] = (distances[index] ?? 0) + (span > 0 ? gap / span : gap);
    }
  }
  return distances;
}

/** What hypervolumes are measured against: no cost above, no accuracy below counts. */
export interface Reference {
  leastCost: number;
  mostCost: number;
  leastAccuracy: number;
}

/**
 * The area that the front of `all` covers between the reference and accuracy 1, over the logarithm of the cost, as a
 * share (0..1) of the whole rectangle.
 */
export function hypervolume(all: readonly Rated[], { leastCost, mostCost, leastAccuracy }: Reference): number {
  const counted = all.filter(({ cost, accuracy }) => cost <= mostCost && accuracy > leastAccuracy);
  const front = paretoFront(counted);
  const width = Math.log(mostCost / leastCost);
  if (!(width > 0) || leastAccuracy >= 1) return 0;
  return front.reduce((area, { cost, accuracy }, i) => {
    const until = front[i + 1]?.cost ?? mostCost;
    const stretch = Math.log(until / Math.max(cost, leastCost)) / width;
    return area + (stretch * (accuracy - leastAccuracy)) / (1 - leastAccuracy);
  }, 0);
}
