/**
 * One offline scheduling problem: identical devices, one SLO for all queries, every time a whole number of ticks. Left-shifted
 * schedules of such a problem start every batch on a tick, so that nothing is lost by looking at ticks alone.
 */

/** Plain data: it crosses threads. */
export interface Instance {
  /** Length of a tick. */
  readonly gridMs: number;
  readonly devices: number;
  /** From arrival to deadline. */
  readonly sloTicks: number;
  /** Per query, ascending. Not empty. */
  readonly arrivals: readonly number[];
  /** Per subnet, ascending, 0..1. */
  readonly accuracy: readonly number[];
  /** Ticks of subnet s at a batch of b queries: `latency[s][b - 1]`, ascending in both. */
  readonly latency: readonly (readonly number[])[];
}

/** A batch that could be run: a size on a subnet. */
export interface Pair {
  readonly subnet: number;
  readonly batch: number;
  readonly ticks: number;
  /** What a batch of it adds to the utility. */
  readonly value: number;
}

/** A batch with the tick at which it starts. */
export interface Start extends Pair {
  readonly at: number;
}

/** Batches with the ticks at which the queries that they hold arrive, in order of their starts. */
export type Plan = readonly { readonly start: Start; readonly arrivals: readonly number[] }[];

/**
 * The pairs that an optimal plan needs: those that fit the SLO, without the ones whose size a more accurate subnet runs as
 * fast. (A batch of the latter can replace one of the former in any plan.)
 */
export function usefulPairs({ accuracy, latency, sloTicks }: Instance): Pair[] {
  const ticksOf = (subnet: number, batch: number) => latency[subnet]?.[batch - 1] ?? Number.POSITIVE_INFINITY;
  return accuracy.flatMap((each, subnet) =>
    (latency[subnet] ?? []).flatMap((ticks, i) => {
      const beaten = accuracy.some((_, better) => better > subnet && ticksOf(better, i + 1) <= ticks);
      return beaten || ticks > sloTicks ? [] : [{ subnet, batch: i + 1, ticks, value: each * (i + 1) }];
    }),
  );
}

/** How many queries arrive at and before each tick. */
export class Arrivals {
  /** The last deadline. */
  readonly lastTick: number;
  readonly #before: Int32Array;

  constructor({ arrivals, sloTicks }: Instance) {
    this.lastTick = (arrivals.at(-1) ?? 0) + sloTicks;
    this.#before = new Int32Array(this.lastTick + 2);
    for (const tick of arrivals) this.#before[tick + 1] = (this.#before[tick + 1] ?? 0) + 1;
    for (let t = 1; t < this.#before.length; t += 1) this.#before[t] = this.before(t) + this.before(t - 1);
  }

  /** Queries that arrive before `tick`; none before 0, all beyond the end. */
  before(tick: number): number {
    return this.#before[Math.max(0, Math.min(tick, this.#before.length - 1))] ?? 0;
  }

  /** Queries that arrive in `from`..`to`, both included. */
  within(from: number, to: number): number {
    return Math.max(0, this.before(to + 1) - this.before(from));
  }
}
