/**
 * The best plan for two devices among those that serve queries in the order of their arrival: found by dynamic programming
 * over (tick at which the next device is free, how much later the other one is, next query). It is where the solver begins,
 * and nearly always where it ends; the proof is the solver's.
 *
 * O(ticks x longest latency x queries waiting at a time x pairs) time.
 */
import { Arrivals, type Instance, type Pair, type Start, usefulPairs } from './instance.js';

/** @throws RangeError unless there are two devices */
export function searchPlan(instance: Instance): Start[] {
  if (instance.devices !== 2) throw new RangeError(`this search plans for two devices, not ${instance.devices}`);
  const pairs = usefulPairs(instance);
  const table = new Table(instance, Math.max(0, ...pairs.map(({ ticks }) => ticks)) + 1);
  for (let at = table.lastTick; at >= 0; at -= 1) {
    // A device that starts while the other is free as well leads to another state of the same tick: those come first.
    for (let apart = 1; apart < table.width; apart += 1) table.fillIn(at, apart, pairs);
    table.fillIn(at, 0, pairs);
  }
  return table.plan(pairs);
}

const wait = -1;
const drop = -2;

class Table {
  readonly lastTick: number;
  /** First query that is not past its deadline at each tick, and first that has not arrived. */
  readonly #open: Int32Array;
  readonly #come: Int32Array;
  readonly #stride: number;
  readonly #values: Float64Array;
  readonly #choices: Int16Array;

  constructor(
    private readonly instance: Instance,
    /** How far apart the two devices may become free, in ticks, and one more. */
    readonly width: number,
  ) {
    const counts = new Arrivals(instance);
    this.lastTick = counts.lastTick;
    const ticks = this.lastTick + 2;
    this.#open = Int32Array.from({ length: ticks }, (_, t) => counts.before(t - instance.sloTicks + 1));
    this.#come = Int32Array.from({ length: ticks }, (_, t) => counts.before(t + 1));
    this.#stride = Math.max(...this.#come.map((come, t) => come - (this.#open[t] ?? 0))) + 1;
    this.#values = new Float64Array(ticks * width * this.#stride);
    this.#choices = new Int16Array(ticks * width * this.#stride).fill(wait);
  }

  /** All states in which the next device is free at `at` and the other `apart` ticks later. */
  fillIn(at: number, apart: number, pairs: readonly Pair[]): void {
    const come = this.#come[at] ?? 0;
    for (let next = come; next >= (this.#open[at] ?? 0); next -= 1) {
      let best = this.#value(at + 1, Math.max(0, apart - 1), next);
      let choice = wait;
      const arrived = this.instance.arrivals[next] ?? 0;
      if (next < come) {
        const dropped = this.#value(at, apart, next + 1);
        if (dropped > best) [best, choice] = [dropped, drop];
        const slack = arrived + this.instance.sloTicks - at;
        for (let p = 0; p < pairs.length; p += 1) {
          const pair = pairs[p];
          if (pair === undefined || pair.ticks > slack || pair.batch > come - next) continue;
          const { batch, ticks, value } = pair;
          const total = value + this.#value(at + Math.min(ticks, apart), Math.abs(ticks - apart), next + batch);
          if (total > best + 1e-12) [best, choice] = [total, p];
        }
      }
      const index = this.#index(at, apart, next);
      this.#values[index] = best;
      this.#choices[index] = choice;
    }
  }

  plan(pairs: readonly Pair[]): Start[] {
    const starts: Start[] = [];
    let [at, apart, next] = [0, 0, 0];
    while (at <= this.lastTick) {
      next = Math.max(next, this.#open[at] ?? 0);
      const choice = next > (this.#come[at] ?? 0) ? wait : (this.#choices[this.#index(at, apart, next)] ?? wait);
      const pair = pairs[choice];
      if (choice === drop) next += 1;
      else if (pair === undefined) [at, apart] = [at + 1, Math.max(0, apart - 1)];
      else {
        starts.push({ ...pair, at });
        [at, apart, next] = [at + Math.min(pair.ticks, apart), Math.abs(pair.ticks - apart), next + pair.batch];
      }
    }
    return starts;
  }

  #value(at: number, apart: number, next: number): number {
    if (at > this.lastTick) return 0;
    return this.#values[this.#index(at, apart, Math.max(next, this.#open[at] ?? 0))] ?? 0;
  }

  #index(at: number, apart: number, next: number): number {
    return (at * this.width + apart) * this.#stride + next - (this.#open[at] ?? 0);
  }
}
