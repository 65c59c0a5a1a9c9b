/** Percentiles of times, in milliseconds. */

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** The value that a share of them does not exceed (nearest rank); 0 when there are none. @param sorted ascending */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const rank = Math.ceil((percent / 100) * sorted.length);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1] ?? 0;
}

/** @param times in any order; they are sorted in place */
export function percentiles(times: Float64Array): Percentiles {
  times.sort();
  return { p50: percentile(times, 50), p99: percentile(times, 99), p999: percentile(times, 99.9) };
}
