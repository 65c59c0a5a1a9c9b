/** A latency profile, as the profiler writes it, as a table to simulate with. */
import { LatencyTable } from '@slackline/scheduling';

/** The part of a profile that a table is made of. */
export interface ProfileGrid {
  readonly batches: readonly number[];
  /** Ascending in accuracy (0..1) and latency; times in milliseconds, one per batch. */
  readonly subnets: readonly {
    readonly id: string;
    readonly accuracy: number;
    readonly p50Ms: readonly number[];
    readonly p99Ms: readonly number[];
    /** Time to bring its weights onto the device; absent: none. */
    readonly loadMs?: number | undefined;
  }[];
}

/**
 * The medians, with the 99th percentiles as their tail and the loading as the cost of actuation: as the scheduler reads profiles.
 *
 * @throws RangeError where sizes or orders do not hold
 */
export function tableOf({ batches, subnets }: ProfileGrid): LatencyTable {
  const front = subnets.map(({ id, accuracy }) => ({ id, accuracy }));
  const loads = subnets.map(({ loadMs = 0 }) => loadMs);
  const medians = subnets.map(({ p50Ms }) => p50Ms);
  const tails = subnets.map(({ p99Ms }) => p99Ms);
  const tail = new LatencyTable(front, batches, tails, undefined, loads);
  return new LatencyTable(front, batches, medians, tail, loads);
}
