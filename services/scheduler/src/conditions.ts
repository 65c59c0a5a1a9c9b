/**
 * How reality differs from the profile, measured on every batch. A profile is taken on workers that do nothing else; serving
 * shares the same cores with the bus and with other services. Two numbers say by how much, and both go into slack:
 * - slowdown: what executors took in all, over what was profiled for the same batches
 * - overhead: what most batches took beyond that (bus, queues, waiting for a core)
 */
import type { Conditions } from '@slackline/scheduling';

/** Batches looked back on; no estimate is made from fewer than a quarter of them. */
const window = 256;
/** Share of the batches that took no more overhead than is planned with. */
const quantile = 0.9;
/** Beyond these something else is wrong; planning with more would expire everything. */
const mostOverheadMs = 10;
const mostSlowdown = 2;
/** Batches between two readings. */
const readEvery = 16;

interface Sample {
  roundTripMs: number;
  executorMs: number;
  expectedMs: number;
}

export class ConditionsEstimate {
  readonly #samples: Sample[] = [];
  #next = 0;

  constructor(private readonly firstOverheadMs: number) {}

  /**
   * @param sample of one batch: from sending its command to receiving its end, inside the executor (actuation and
   *   inference), and as profiled
   * @returns whether enough is new to read again
   */
  add(sample: Sample): boolean {
    this.#samples[this.#next] = sample;
    this.#next = (this.#next + 1) % window;
    return this.#next % readEvery === 0;
  }

  /** Walks and sorts the window: not for every batch. */
  read(): Conditions {
    if (this.#samples.length < window / 4) return { slowdown: 1, overheadMs: this.firstOverheadMs };
    let executorMs = 0;
    let expectedMs = 0;
    for (const sample of this.#samples) {
      executorMs += sample.executorMs;
      expectedMs += sample.expectedMs;
    }
    const slowdown = Math.min(mostSlowdown, Math.max(1, executorMs / expectedMs));
    const beyond = Float64Array.from(
      this.#samples,
      (sample) => sample.roundTripMs - slowdown * sample.expectedMs,
    ).sort();
    const overheadMs = beyond[Math.floor(quantile * (beyond.length - 1))] ?? this.firstOverheadMs;
    return { slowdown, overheadMs: Math.min(mostOverheadMs, Math.max(0, overheadMs)) };
  }
}
