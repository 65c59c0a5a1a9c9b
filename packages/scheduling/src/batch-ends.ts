/** When the batches that are out are expected to end: which worker is free next, and which batch is overdue. */

import type { Batch } from './batch.js';
import { KeyHeap } from './key-heap.js';
import type { Conditions } from './policy.js';
import type { Query } from './query.js';

/** A batch may be so much later than expected, or as the reserve says, and its end is still expected at any moment. */
const leastGraceMs = 1;

/** A batch that has come back is dropped when its turn comes, so that everything here is O(log n) per batch. */
export class BatchEnds<Q extends Query> {
  /** By profiled end. */
  readonly #ends = new KeyHeap<Batch<Q>>();
  /** Those out beyond their expected end. */
  readonly #late = new Set<Batch<Q>>();

  /** @param isOut whether a batch has not come back yet */
  constructor(private readonly isOut: (batch: Batch<Q>) => boolean) {}

  sent(batch: Batch<Q>): void {
    this.#ends.push(batch.sentAtMs + batch.expectedMs, batch);
  }

  cameBack(batch: Batch<Q>): void {
    this.#late.delete(batch);
  }

  /** When the next batch is expected back, not before `nowMs`; Infinity when none is, or all of them are long overdue. */
  nextMs(nowMs: number, { slowdown, overheadMs, reserveMs }: Conditions): number {
    const graceMs = Math.max(leastGraceMs, reserveMs);
    for (let batch = this.#ends.peek(); batch !== undefined; batch = this.#ends.peek()) {
      const endMs = batch.sentAtMs + batch.expectedMs * slowdown + overheadMs;
      const isOut = this.isOut(batch);
      if (isOut && endMs + graceMs >= nowMs) return Math.max(endMs, nowMs);
      this.#ends.pop();
      if (isOut) this.#late.add(batch);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Batches that are out and so much later than profiled. O(late batches). */
  overdue(nowMs: number, overdueMs: number): Batch<Q>[] {
    for (let batch = this.#ends.peek(); batch !== undefined && this.#ends.leastKey + overdueMs < nowMs; ) {
      this.#ends.pop();
      if (this.isOut(batch)) this.#late.add(batch);
      batch = this.#ends.peek();
    }
    return [...this.#late].filter(({ sentAtMs, expectedMs }) => nowMs - sentAtMs > expectedMs + overdueMs);
  }

  /** The clock was set anew; the batches' own times are shifted by whoever owns them. */
  shiftTimes(byMs: number): void {
    this.#ends.shiftKeys(byMs);
  }
}
