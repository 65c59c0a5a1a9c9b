/** When the batches on devices are expected to end, and which of them are overdue. */

import type { Batch } from './batch.js';
import { KeyHeap } from './key-heap.js';
import type { Query } from './query.js';

/** One that is out; undefined once it has come back. */
interface Out<Q extends Query> {
  batch: Batch<Q> | undefined;
}

/**
 * Places of batches that have come back are dropped when their turn comes, so that everything here is O(log n) per batch. The batches
 * themselves are let go of at once: their turn comes long after, and by then all their queries would have been moved to the old
 * generation, a kilobyte each (docs/performance.md).
 */
export class BatchEnds<Q extends Query> {
  /** By profiled end. */
  readonly #ends = new KeyHeap<Out<Q>>();
  readonly #out = new Map<Batch<Q>, Out<Q>>();
  /** Those out beyond their expected end. */
  readonly #late = new Set<Batch<Q>>();

  /** Nothing is before it on its worker. */
  begins(batch: Batch<Q>): void {
    const out = { batch };
    this.#out.set(batch, out);
    this.#ends.push(batch.startMs + batch.expectedMs, out);
  }

  cameBack(batch: Batch<Q>): void {
    const out = this.#out.get(batch);
    if (out !== undefined) out.batch = undefined;
    this.#out.delete(batch);
    this.#late.delete(batch);
  }

  /** Batches that are out and so much later than profiled. O(late batches). */
  overdue(nowMs: number, overdueMs: number): Batch<Q>[] {
    while (this.#ends.leastKey + overdueMs < nowMs) {
      const batch = this.#ends.pop()?.batch;
      if (batch !== undefined) this.#late.add(batch);
    }
    return [...this.#late].filter(({ startMs, expectedMs }) => nowMs - startMs > expectedMs + overdueMs);
  }

  /** The clock was set anew; the batches' own times are shifted by whoever owns them. */
  shiftTimes(byMs: number): void {
    this.#ends.shiftKeys(byMs);
  }
}
