/** What is sent to a worker. */
import type { Query } from './query.js';

/** A batch that was sent to a worker and has not come back. */
export interface Batch<Q extends Query> {
  readonly id: string;
  readonly workerId: string;
  readonly epoch: string;
  readonly model: string;
  /** The version of the model that was planned with; undefined: whichever the worker serves. */
  readonly version: string | undefined;
  /** Id and profiled accuracy of the subnet. */
  readonly subnet: string;
  /** Its index in the table that was planned with. */
  readonly subnetIndex: number;
  readonly accuracy: number;
  readonly queries: readonly Q[];
  sentAtMs: number;
  /** How long nothing had been heard of its worker then. */
  readonly silentMs: number;
  /**
   * When its worker can begin with it, as far as is known, less the way of its command: when it was sent, or when the batch before
   * it on that worker ends.
   */
  startMs: number;
  /** When the batch before it on its device should have ended by its profile, less the way, and its profiled time; undefined: none was. */
  behind: { readonly endMs: number; readonly expectedMs: number } | undefined;
  /** Profiled time of this batch, actuation included. */
  readonly expectedMs: number;
  /** The part of it that goes into changing to the subnet; 0 when it is there already. */
  readonly actuationMs: number;
}

/**
 * How much later than by profile the device came to a batch, and the profiled time of the one before it, which took so much longer.
 *
 * @param waitedMs what it waited for the device, by the worker's own clock: when its predecessor's end was read here says less
 */
export function heldUpOf({ sentAtMs, behind }: Batch<Query>, waitedMs: number): { byMs: number; expectedMs: number } {
  if (behind === undefined) return { byMs: 0, expectedMs: 0 };
  const plannedMs = Math.max(0, behind.endMs - sentAtMs);
  return { byMs: Math.max(0, waitedMs - plannedMs), expectedMs: behind.expectedMs };
}
