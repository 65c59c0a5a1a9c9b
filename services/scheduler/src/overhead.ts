/** What a batch costs outside the executor, measured on every batch: bus, decoding, waiting for a core. */

/** Batches looked back on, and the share of them that must have taken no longer. */
const window = 256;
const quantile = 0.9;
/** An estimate above this says that something else is wrong; planning with it would expire everything. */
const mostMs = 10;

export class OverheadEstimate {
  readonly #samples: number[] = [];
  #next = 0;

  constructor(private readonly firstMs: number) {}

  /** @param roundTripMs from sending the command to receiving its end; @param executorMs of it, inside the executor */
  add(roundTripMs: number, executorMs: number): void {
    this.#samples[this.#next] = Math.max(0, roundTripMs - executorMs);
    this.#next = (this.#next + 1) % window;
  }

  /** Sorts the window: for once a second, not for every batch. */
  get ms(): number {
    if (this.#samples.length < window / 4) return this.firstMs;
    const sorted = Float64Array.from(this.#samples).sort();
    return Math.min(mostMs, sorted[Math.floor(quantile * (sorted.length - 1))] ?? this.firstMs);
  }
}
