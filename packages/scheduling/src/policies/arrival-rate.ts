/** How fast something arrives, from a counter that only grows or begins anew: an average whose memory fades exponentially. */

export class ArrivalRate {
  #weightMs: number;
  #count: number;
  #seen: number | undefined;
  #atMs: number;

  /**
   * @param memoryMs after this long an arrival counts for 1/e
   * @param guessPerMs what is believed before anything was observed
   * @param guessWeight share of the memory that this guess weighs: the more, the longer it is believed
   */
  constructor(
    private readonly memoryMs: number,
    guessPerMs: number,
    nowMs: number,
    guessWeight = 0.05,
  ) {
    this.#weightMs = memoryMs * guessWeight;
    this.#count = guessPerMs * this.#weightMs;
    this.#atMs = nowMs;
  }

  /** @param counted all that ever arrived; a count that is lower than the last one began anew at 0 */
  observe(counted: number, nowMs: number): void {
    this.#fade(nowMs);
    // What arrived before the first look did so at an unknown time: it counts as if it did now.
    const before = this.#seen ?? 0;
    this.#count += counted < before ? counted : counted - before;
    this.#seen = counted;
  }

  /** Arrivals per millisecond. */
  perMs(nowMs: number): number {
    this.#fade(nowMs);
    return this.#count / this.#weightMs;
  }

  #fade(nowMs: number): void {
    // A clock that was set back shows no time at all.
    const kept = Math.exp(-Math.max(0, nowMs - this.#atMs) / this.memoryMs);
    this.#count *= kept;
    this.#weightMs = this.#weightMs * kept + this.memoryMs * (1 - kept);
    this.#atMs = nowMs;
  }
}
