/**
 * How reality differs from the profile, measured on every batch. A profile is taken on workers that do nothing else; serving
 * shares the same cores with the bus and with other services. Three numbers say by how much, and all go into slack:
 * - slowdown: what executors took in all lately, over what was profiled for the same batches
 * - overhead: what half of these batches take at most beyond that (bus, queues, waiting for a core), or half of the last few where that
 *   is more: at a peak that uses up the cores the bus is slow at once, and what is begun too late then is late and in the way of others
 * - reserve: what all but one in 5,000 take at most, beyond both. A policy that fills the slack is late whenever a batch takes
 *   longer. Told from more batches than the other two, which must follow a change at once: where the machine stands still once in
 *   some seconds, all batches that are out are late together, and what comes in one second says nothing of the next.
 */
import type { Conditions } from './policy.js';

/** Batches looked back on for slowdown and overhead. */
const lately = 256;
/** And for an overhead that has just grown. */
const justNow = 32;
/** And for the reserve. */
const window = 8_192;
/** No estimate is made from fewer. */
const leastSamples = 64;
/** The reserve is what all but one of so many take at most. */
const letBy = 5_000;
/** Beyond these something else is wrong; planning with more would expire everything. */
const mostOverheadMs = 10;
const mostReserveMs = 20;
const mostSlowdown = 8;
/** Batches between two readings. */
const readEvery = 16;

/**
 * Older samples are forgotten: where nothing runs because everything seems too slow, that must not be believed for ever. The
 * reserve alone keeps no batch from running, and for it only time with traffic counts: after a pause nothing would be kept back.
 */
const maxAgeMs = 10_000;
/** A longer gap between two batches is a pause, and counts as so much. */
const mostGapMs = 1_000;

interface Sample {
  /** When it was taken, by any clock that only grows. */
  atMs: number;
  /** From sending its command to receiving its end, less what it waited for its device to be done with another. */
  roundTripMs: number;
  /** How much longer that other one had the device than was profiled, and how long that was. */
  heldUp: { byMs: number; expectedMs: number };
  /** Inside the executor: actuation and inference. */
  executorMs: number;
  /** As profiled. */
  expectedMs: number;
}

export class ConditionsEstimate {
  /** The samples, round and round: a read walks thousands of them, which must not be thousands of objects. */
  readonly #atMs = new Float64Array(window);
  /** The same in time without pauses. */
  readonly #busyAtMs = new Float64Array(window);
  readonly #roundTripMs = new Float64Array(window);
  readonly #heldUpMs = new Float64Array(window);
  readonly #behindMs = new Float64Array(window);
  readonly #executorMs = new Float64Array(window);
  readonly #expectedMs = new Float64Array(window);
  /** The largest slowdown that was told with each of them among the newest. */
  readonly #slowdownThen = new Float64Array(window);
  #next = 0;
  #count = 0;
  #busyMs = 0;
  #slowdown = 1;
  /** What batches took beyond their executors, of those that are looked at. */
  readonly #beyondMs = new Float64Array(window);

  constructor(private readonly firstOverheadMs: number) {}

  /** @returns whether enough is new to read again */
  add({ atMs, roundTripMs, heldUp, executorMs, expectedMs }: Sample): boolean {
    const i = this.#next;
    const gapMs = this.#count === 0 ? 0 : Math.max(0, atMs - at(this.#atMs, this.#place(0)));
    this.#busyMs += Math.min(mostGapMs, gapMs);
    this.#atMs[i] = atMs;
    this.#busyAtMs[i] = this.#busyMs;
    this.#roundTripMs[i] = roundTripMs;
    this.#heldUpMs[i] = heldUp.byMs;
    this.#behindMs[i] = heldUp.expectedMs;
    this.#executorMs[i] = executorMs;
    this.#expectedMs[i] = expectedMs;
    this.#slowdownThen[i] = 1;
    this.#next = (i + 1) % window;
    this.#count = Math.min(window, this.#count + 1);
    return this.#next % readEvery === 0;
  }

  /** Walks the window: not for every batch. */
  read(nowMs: number): Conditions {
    const recent = this.#youngerThan(nowMs, this.#atMs, lately);
    const told = this.#youngerThan(this.#busyMs, this.#busyAtMs, window);
    const isKnown = recent >= leastSamples;
    // After a pause the newest that there are still say how slow executors were, for the reserve alone.
    const newest = isKnown ? recent : Math.min(lately, told);
    this.#slowdown = newest >= leastSamples ? this.#slowdownOf(newest) : 1;
    this.#noteSlowdown(newest);
    const usualMs = isKnown
      ? Math.max(median(this.#beyond(justNow, 'now')), median(this.#beyond(recent, 'now')))
      : this.firstOverheadMs;
    const overheadMs = Math.min(mostOverheadMs, Math.max(0, usualMs));
    return { slowdown: isKnown ? this.#slowdown : 1, overheadMs, reserveMs: this.#reserveMs(told, overheadMs) };
  }

  #reserveMs(told: number, overheadMs: number): number {
    if (told < leastSamples) return 0;
    // By the slowdown of now or of then: a time of slow executors, once it is over, is no time of long waits.
    const beyond = this.#beyond(told, 'now or then');
    const longest = nthLargest(beyond, Math.floor(told / letBy));
    return Math.min(mostReserveMs, Math.max(0, longest - overheadMs));
  }

  /** How many of the newest are not too old, by either time; at most so many. */
  #youngerThan(nowMs: number, atMs: Float64Array, most: number): number {
    const limit = Math.min(most, this.#count);
    let young = 0;
    while (young < limit && nowMs - at(atMs, this.#place(young)) < maxAgeMs) young += 1;
    return young;
  }

  /**
   * A batch during which the machine stood still says nothing about the next: one of a second would make the mean of hundreds.
   * What it took beyond twice its profile and the largest reserve is left out.
   */
  #slowdownOf(newest: number): number {
    let executorMs = 0;
    let expectedMs = 0;
    for (let back = 0; back < newest; back += 1) {
      const i = this.#place(back);
      const profiledMs = at(this.#expectedMs, i);
      executorMs += Math.min(at(this.#executorMs, i), 2 * profiledMs + mostReserveMs);
      expectedMs += profiledMs;
    }
    return Math.min(mostSlowdown, Math.max(1, executorMs / expectedMs));
  }

  #noteSlowdown(newest: number): void {
    for (let back = 0; back < newest; back += 1) {
      const i = this.#place(back);
      this.#slowdownThen[i] = Math.max(this.#slowdown, at(this.#slowdownThen, i));
    }
  }

  /** What the newest batches took outside of what their executors should have needed. Valid until the next call. */
  #beyond(newest: number, by: 'now' | 'now or then'): Float64Array {
    for (let back = 0; back < newest; back += 1) {
      const i = this.#place(back);
      const slowdown = by === 'now' ? this.#slowdown : Math.max(this.#slowdown, at(this.#slowdownThen, i));
      this.#beyondMs[back] = at(this.#roundTripMs, i) - slowdown * at(this.#expectedMs, i);
      if (by === 'now') continue;
      // What it had to wait beyond what could be reckoned with makes it as late as what it takes itself.
      const waitedMs = at(this.#heldUpMs, i) - (slowdown - 1) * at(this.#behindMs, i);
      this.#beyondMs[back] = at(this.#beyondMs, back) + Math.max(0, waitedMs);
    }
    return this.#beyondMs.subarray(0, newest);
  }

  /** Of the newest sample, or the one so many before it. */
  #place(back: number): number {
    return (this.#next - 1 - back + window) % window;
  }
}

const at = (values: Float64Array, i: number) => values[i] ?? Number.NaN;
/** Sorts them. */
const median = (values: Float64Array) => at(values.sort(), Math.floor((values.length - 1) / 2));

/** The largest with n = 0. O(values), as n is small. */
function nthLargest(values: Float64Array, n: number): number {
  const largest = values.slice(0, n + 1).sort();
  for (let i = n + 1; i < values.length; i += 1) {
    const value = at(values, i);
    if (value <= at(largest, 0)) continue;
    let to = 0;
    for (; to < n && at(largest, to + 1) < value; to += 1) largest[to] = at(largest, to + 1);
    largest[to] = value;
  }
  return at(largest, 0);
}
