/**
 * How many queries per second arrive, from counters that are looked at now and then: a smoothed rate to plan with, and the
 * rate of the last moment to see bursts with.
 */

/** Seconds after which a change of the rate is in the smoothed one to 63 %. */
const smoothingMs = 10_000;
/** What counts as the last moment. */
const recentMs = 1_000;

interface Look {
  atMs: number;
  arrived: number;
}

/** The demand of one model. */
export class Demand {
  /** Of the last moment, oldest first; the first is the last one that is at least `recentMs` old. */
  readonly #looks: Look[] = [];
  #smoothed: number | undefined;

  /** @param arrived queries that have ever arrived; looks at the same moment change nothing */
  look(nowMs: number, arrived: number): void {
    const before = this.#looks[this.#looks.length - 1];
    // The clock was set back, or the count began anew: what was seen by the old one cannot be compared.
    if (before !== undefined && (nowMs < before.atMs || arrived < before.arrived)) this.#looks.length = 0;
    const last = this.#looks[this.#looks.length - 1];
    if (nowMs === last?.atMs) return;
    if (last !== undefined) this.#smooth(((arrived - last.arrived) * 1_000) / (nowMs - last.atMs), nowMs - last.atMs);
    this.#looks.push({ atMs: nowMs, arrived });
    while ((this.#looks[1]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs - recentMs) this.#looks.shift();
  }

  /** Queries per second over the last second or a little more; undefined until so much has been seen. */
  get recent(): number | undefined {
    const first = this.#looks[0];
    const last = this.#looks[this.#looks.length - 1];
    if (first === undefined || last === undefined || last.atMs - first.atMs < recentMs) return undefined;
    return ((last.arrived - first.arrived) * 1_000) / (last.atMs - first.atMs);
  }

  /** What to plan for: the smoothed rate, or the recent one where that is higher. */
  get planned(): number {
    return Math.max(this.#smoothed ?? 0, this.recent ?? 0);
  }

  #smooth(rate: number, overMs: number): void {
    if (this.#smoothed === undefined) this.#smoothed = rate;
    else this.#smoothed += (1 - Math.exp(-overMs / smoothingMs)) * (rate - this.#smoothed);
  }
}
