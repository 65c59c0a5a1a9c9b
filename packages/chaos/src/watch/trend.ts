/** Whether a figure grows: the slope of a line through its samples, and its level over a stretch of time. */

/** When, in milliseconds, and how much. */
export type Point = readonly [atMs: number, value: number];

/**
 * Slope of the least-squares line through the points, per minute. A process takes memory while it warms up, and that is no
 * growth: points of the first `warmUpMs` after the first point do not count. Undefined for fewer than three points.
 */
export function slopePerMinute(points: readonly Point[], warmUpMs = 0): number | undefined {
  const first = points[0]?.[0] ?? 0;
  const counted = points.filter(([atMs]) => atMs - first >= warmUpMs);
  if (counted.length < 3) return undefined;
  const meanAt = mean(counted.map(([atMs]) => atMs));
  const meanValue = mean(counted.map(([, value]) => value));
  let [covariance, variance] = [0, 0];
  for (const [atMs, value] of counted) {
    covariance += (atMs - meanAt) * (value - meanValue);
    variance += (atMs - meanAt) ** 2;
  }
  return variance === 0 ? undefined : (covariance / variance) * 60_000;
}

/** Median of the points in [fromMs, toMs); undefined where there are none. */
export function levelOf(points: readonly Point[], fromMs: number, toMs: number): number | undefined {
  return median(points.filter(([atMs]) => atMs >= fromMs && atMs < toMs).map(([, value]) => value));
}

/** Undefined for no values. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle];
  const [left, right] = [sorted[middle - 1], sorted[middle]];
  return left === undefined || right === undefined ? undefined : (left + right) / 2;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
