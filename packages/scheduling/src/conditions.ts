/**
 * How reality differs from the profile, measured on every batch. A profile is taken on workers that do nothing else; serving
 * shares the same cores with the bus and with other services. Three numbers say by how much, and all go into slack:
 * - slowdown: what executors took in all, over what was profiled for the same batches
 * - overhead: what half of the batches take at most beyond that (bus, queues, waiting for a core)
 * - reserve: what 97 in 100 take at most, beyond both
 */
import type { Conditions } from './policy.js';

/** Batches looked back on; no estimate is made from fewer than a quarter of them. */
const window = 256;
const usual = 0.5;
const tail = 0.97;
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
  read(nowMs: number): Conditions {
    const samples = this.#samples.filter(({ atMs }) => nowMs - atMs < maxAgeMs);
    if (samples.length < window / 4) return { slowdown: 1, overheadMs: this.firstOverheadMs, reserveMs: 0 };
    const executorMs = sum(samples.map(withoutStall));
    const expectedMs = sum(samples.map((sample) => sample.expectedMs));
    const slowdown = Math.min(mostSlowdown, Math.max(1, executorMs / expectedMs));
    const beyond = samples.map((sample) => sample.roundTripMs - slowdown * sample.expectedMs).sort((a, b) => a - b);
    const overheadMs = Math.min(mostOverheadMs, Math.max(0, at(beyond, usual)));
    const reserveMs = Math.min(mostReserveMs, Math.max(0, at(beyond, tail) - overheadMs));
    return { slowdown, overheadMs, reserveMs };
  }
}

/**
 * A batch during which the machine stood still says nothing about the next: one of a second would make the mean of hundreds.
 * What it took beyond twice its profile and the largest reserve is left out.
 */
const withoutStall = ({ executorMs, expectedMs }: Sample) => Math.min(executorMs, 2 * expectedMs + mostReserveMs);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const at = (sorted: readonly number[], share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
