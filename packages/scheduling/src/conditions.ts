/**
 * How reality differs from the profile, measured on every batch. A profile is taken on workers that do nothing else; serving
 * shares the same cores with the bus and with other services. Three numbers say by how much, and all go into slack:
 * - slowdown: what executors took in all lately, over what was profiled for the same batches
 * - overhead: what half of these batches take at most beyond that (bus, queues, waiting for a core)
 * - reserve: what 999 in 1,000 take at most, beyond both. A policy that fills the slack is late whenever a batch takes longer:
 *   so often at most. That is told from more batches than the other two, which must follow a change at once.
 */
import type { Conditions } from './policy.js';

/** Batches looked back on for slowdown and overhead; no estimate is made from fewer than a quarter of them. */
const lately = 256;
/** And for the reserve. */
const window = 2_048;
const usual = 0.5;
const tail = 0.999;
/** Beyond these something else is wrong; planning with more would expire everything. */
const mostOverheadMs = 10;
const mostReserveMs = 20;
const mostSlowdown = 8;
/** Batches between two readings. */
const readEvery = 16;

/** Older samples are forgotten: where nothing runs because everything seems too slow, that must not be believed for ever. */
const maxAgeMs = 10_000;

interface Sample {
  /** When it was taken, by any clock that only grows. */
  atMs: number;
  roundTripMs: number;
  executorMs: number;
  expectedMs: number;
}

/** With the slowdown that was reckoned with when it was taken. */
interface Kept extends Sample {
  slowdown: number;
}

export class ConditionsEstimate {
  /** Round and round. */
  readonly #samples: Kept[] = [];
  #next = 0;
  #slowdown = 1;

  constructor(private readonly firstOverheadMs: number) {}

  /**
   * @param sample of one batch: from sending its command to receiving its end, inside the executor (actuation and
   *   inference), and as profiled
   * @returns whether enough is new to read again
   */
  add(sample: Sample): boolean {
    this.#samples[this.#next] = { ...sample, slowdown: this.#slowdown };
    this.#next = (this.#next + 1) % window;
    return this.#next % readEvery === 0;
  }

  /** Walks and sorts the window: not for every batch. */
  read(nowMs: number): Conditions {
    const recent = this.#newest(lately, nowMs);
    if (recent.length < lately / 4) {
      this.#slowdown = 1;
      return { slowdown: 1, overheadMs: this.firstOverheadMs, reserveMs: 0 };
    }
    const executorMs = sum(recent.map(withoutStall));
    const expectedMs = sum(recent.map((sample) => sample.expectedMs));
    const slowdown = Math.min(mostSlowdown, Math.max(1, executorMs / expectedMs));
    this.#slowdown = slowdown;
    const overheadMs = Math.min(
      mostOverheadMs,
      Math.max(
        0,
        at(
          beyond(recent, () => slowdown),
          usual,
        ),
      ),
    );
    // By the slowdown of now or of then: a time of slow executors, once it is over, is no time of long waits.
    const ofBoth = (sample: Kept) => Math.max(slowdown, sample.slowdown);
    const longest = at(beyond(this.#newest(window, nowMs), ofBoth), tail);
    return { slowdown, overheadMs, reserveMs: Math.min(mostReserveMs, Math.max(0, longest - overheadMs)) };
  }

  /** So many at most, the newest first. */
  #newest(most: number, nowMs: number): Kept[] {
    const newest: Kept[] = [];
    const count = Math.min(most, this.#samples.length);
    for (let back = 1; back <= count; back += 1) {
      const sample = this.#samples[(this.#next - back + window) % window];
      if (sample === undefined || nowMs - sample.atMs >= maxAgeMs) break;
      newest.push(sample);
    }
    return newest;
  }
}

/**
 * A batch during which the machine stood still says nothing about the next: one of a second would make the mean of hundreds.
 * What it took beyond twice its profile and the largest reserve is left out.
 */
const withoutStall = ({ executorMs, expectedMs }: Sample) => Math.min(executorMs, 2 * expectedMs + mostReserveMs);
/** What batches took outside of what their executors should have needed, in order. */
const beyond = (samples: readonly Kept[], slowdownOf: (sample: Kept) => number) =>
  Float64Array.from(samples, (sample) => sample.roundTripMs - slowdownOf(sample) * sample.expectedMs).sort();
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const at = (sorted: Float64Array, share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
