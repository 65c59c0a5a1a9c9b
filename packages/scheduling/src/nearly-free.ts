/**
 * When a worker's next batch is to be sent although it still holds one: so early that the command is there when the device is
 * free. Sent any later, the device idles for the time that the end of a batch and the next command take on the bus; with short
 * batches that is a fifth of what it could carry. Sent any earlier, the choice is made with less known of the queue. A batch is
 * about to end so long before its device is done with it as the way there and back takes. Sent just in time would do as well, but needs a
 * timer for each batch; under load something is heard within that time, and what is heard sets the dispatcher to work.
 *
 * A batch that does not end when it should says nothing of when it will: nothing more is sent to its worker until it has.
 */
import type { Batch } from './batch.js';
import { KeyHeap } from './key-heap.js';
import type { Conditions } from './policy.js';
import type { Query } from './query.js';

/** A batch may be so much later than expected, or as the reserve says, and its end is still expected at any moment. */
const leastGraceMs = 1;

/** When the device is expected to be done with a batch, less the way of a command to it. */
export function endMs({ startMs, expectedMs }: Batch<Query>, { slowdown }: Conditions): number {
  return startMs + expectedMs * slowdown;
}

/** O(log n) per batch. */
export class NearlyFree<Q extends Query> {
  /** By expected end; those that have come back are dropped in their turn. */
  readonly #ends = new KeyHeap<Batch<Q>>();
  /** The expected ends of those about to end, by worker: as many as devices at most, and mostly few. */
  readonly #near = new Map<string, number>();

  /** The device has come to that batch. */
  begins(batch: Batch<Q>, conditions: Conditions): void {
    this.#ends.push(endMs(batch, conditions), batch);
  }

  /** That batch is not waited for any more: it has come back, or the next has been sent. */
  forget({ workerId }: Batch<Q>): void {
    this.#near.delete(workerId);
  }

  /** The next end of a batch that is not known to be near; Infinity: there is none, or none is ever near. */
  nextEndMs({ overheadMs }: Conditions): number {
    return overheadMs === 0 ? Number.POSITIVE_INFINITY : this.#ends.leastKey;
  }

  /**
   * Time has gone on. Where the way to a worker and back takes nothing (in simulations), no batch is ever nearly over.
   *
   * @param onNear told of the batches that are about to end now; whether they have not come back yet
   * @param onLate told of the workers whose batch was, and is late
   */
  approach(
    nowMs: number,
    conditions: Conditions,
    { onNear, onLate }: { onNear: (batch: Batch<Q>) => boolean; onLate: (workerId: string) => void },
  ): void {
    const { overheadMs, reserveMs } = conditions;
    while (this.#ends.leastKey - overheadMs <= nowMs) {
      const atMs = this.#ends.leastKey;
      const batch = this.#ends.pop();
      if (batch === undefined || overheadMs === 0) continue;
      if (onNear(batch)) this.#near.set(batch.workerId, atMs);
    }
    const lateMs = overheadMs + Math.max(leastGraceMs, reserveMs);
    for (const [workerId, atMs] of this.#near) {
      if (nowMs <= atMs + lateMs) continue;
      this.#near.delete(workerId);
      onLate(workerId);
    }
  }

  /** The clock was set anew; the batches' own times are shifted by whoever owns them. */
  shiftTimes(byMs: number): void {
    this.#ends.shiftKeys(byMs);
    for (const [workerId, atMs] of this.#near) this.#near.set(workerId, atMs + byMs);
  }
}
