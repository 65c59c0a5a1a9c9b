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
  /** Profiled time of this batch, actuation included. */
  readonly expectedMs: number;
  /** The part of it that goes into changing to the subnet; 0 when it is there already. */
  readonly actuationMs: number;
}
