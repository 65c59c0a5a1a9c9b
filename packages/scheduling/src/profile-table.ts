/** A latency profile, as the profiler writes it, as a table to decide by. */
import { LatencyTable } from './latency-table.js';

/**
 * Which latencies of a profile decisions are made from: its medians, its 99th percentiles, or (`guarded`) its medians with
 * the 99th percentiles as their tail.
 */
export const planPercentiles = ['guarded', 'p50', 'p99'] as const;
export type PlanPercentile = (typeof planPercentiles)[number];

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
 * The table of a profile; loading is its cost of actuation.
 *
 * @throws RangeError where sizes or orders do not hold
 */
export function tableOf({ batches, subnets }: ProfileGrid, percentile: PlanPercentile = 'guarded'): LatencyTable {
  const front = subnets.map(({ id, accuracy }) => ({ id, accuracy }));
  const loads = subnets.map(({ loadMs = 0 }) => loadMs);
  const of = (rows: readonly (readonly number[])[], tail?: LatencyTable) =>
    new LatencyTable(front, batches, rows, tail, loads);
  const medians = subnets.map(({ p50Ms }) => p50Ms);
  if (percentile === 'p50') return of(medians);
  const tail = of(subnets.map(({ p99Ms }) => p99Ms));
  return percentile === 'p99' ? tail : of(medians, tail);
}
