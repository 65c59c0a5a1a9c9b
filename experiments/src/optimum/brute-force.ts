/** The best utility of a tiny instance, by trying everything: what tests hold the integer program against. */
import type { Instance } from './instance.js';

/** Makes no use of any property of plans: any set of waiting queries may run on any subnet on any free device at any tick. */
export function bruteForce({ arrivals, accuracy, latency, sloTicks, devices }: Instance): number {
  const lastTick = Math.max(...arrivals) + sloTicks;
  const known = new Map<string, number>();

  function best(at: number, freeAt: readonly number[], waiting: number): number {
    if (at > lastTick || waiting === 0) return 0;
    const sorted = freeAt.map((tick) => Math.max(tick, at)).sort((a, b) => a - b);
    const key = `${at} ${sorted.join(' ')} ${waiting}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    let most = best(at + 1, sorted, waiting);
    const [first = at, ...others] = sorted;
    if (first <= at) {
      for (let chosen = waiting; chosen > 0; chosen = (chosen - 1) & waiting) {
        const members = arrivals.filter((_, i) => (chosen >> i) & 1);
        if (Math.max(...members) > at) continue;
        accuracy.forEach((each, subnet) => {
          const end = at + (latency[subnet]?.[members.length - 1] ?? Number.POSITIVE_INFINITY);
          if (end > Math.min(...members) + sloTicks) return;
          most = Math.max(most, members.length * each + best(at, [...others, end], waiting & ~chosen));
        });
      }
    }
    known.set(key, most);
    return most;
  }

  return best(0, new Array<number>(devices).fill(0), (1 << arrivals.length) - 1);
}
