/** When the batches on devices are expected to end, and which of them are overdue. */

import type { Batch } from './batch.js';
import { KeyHeap } from './key-heap.js';
import type { Query } from './query.js';

/** A batch that has come back is dropped when its turn comes, so that everything here is O(log n) per batch. */
export class BatchEnds<Q extends Query> {
  /** By profiled end. */
  readonly #ends = new KeyHeap<Batch<Q>>();
  /** Those out beyond their expected end. */
  readonly #late = new Set<Batch<Q>>();

  /** @param isOut whether a batch has not come back yet */
  constructor(private readonly isOut: (batch: Batch<Q>) => boolean) {}

  /** Nothing is before it on its worker. */
  begins(batch: Batch<Q>): void {
    this.#ends.push(batch.startMs + batch.expectedMs, batch);
  }

  cameBack(batch: Batch<Q>): void {
    this.#late.delete(batch);
  }

  /** Batches that are out and so much later than profiled. O(late batches). */
  overdue(nowMs: number, overdueMs: number): Batch<Q>[] {
    for (let batch = this.#ends.peek(); batch !== undefined && this.#ends.leastKey + overdueMs < nowMs; ) {
      this.#ends.pop();
      if (this.isOut(batch)) this.#late.add(batch);
      batch = this.#ends.peek();
    }
    return [...this.#late].filter(({ startMs, expectedMs }) => nowMs - startMs > expectedMs + overdueMs);
  }

  /** The clock was set anew; the batches' own times are shifted by whoever owns them. */
  shiftTimes(byMs: number): void {
    this.#ends.shiftKeys(byMs);
  }
}
