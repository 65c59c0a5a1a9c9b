/** When the batches on devices are expected to end, and which of them are overdue. */

import type { Batch } from './batch.js';
import { KeyHeap } from './key-heap.js';
import type { Query } from './query.js';

/** The place of a batch that is out; empty once it has come back. */
export interface BatchPlace<Q extends Query> {
  batch: Batch<Q> | undefined;
}

/**
 * Places of batches that have come back are dropped when their turn comes, so that everything here is O(log n) per batch. The batches
 * themselves are let go of at once: their turn comes long after, and by then all their queries would have been moved to the old
 * generation, a kilobyte each. Nor are they keys of a map: one that is old keeps what its former tables held (docs/performance.md).
 */
export class BatchEnds<Q extends Query> {
  /** By profiled end. */
  readonly #ends = new KeyHeap<BatchPlace<Q>>();
  /** Of those out beyond their expected end. */
  #late: BatchPlace<Q>[] = [];

  /** Nothing is before it on its worker. Returns its place, to be emptied when it has come back. */
  begins(batch: Batch<Q>): BatchPlace<Q> {
    const place = { batch };
    this.#ends.push(batch.startMs + batch.expectedMs, place);
    return place;
  }

  /** Batches that are out and so much later than profiled. O(late batches). */
  overdue(nowMs: number, overdueMs: number): Batch<Q>[] {
    while (this.#ends.leastKey + overdueMs < nowMs) {
      const place = this.#ends.pop();
      if (place !== undefined) this.#late.push(place);
    }
    this.#late = this.#late.filter(({ batch }) => batch !== undefined);
    return this.#late
      .flatMap(({ batch }) => batch ?? [])
      .filter(({ startMs, expectedMs }) => nowMs - startMs > expectedMs + overdueMs);
  }

  /** The clock was set anew; the batches' own times are shifted by whoever owns them. */
  shiftTimes(byMs: number): void {
    this.#ends.shiftKeys(byMs);
  }
}
