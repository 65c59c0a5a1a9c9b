/** A device's latencies rounded to ticks: what policies are told, what they pay, and what the optimum pays. */
import { LatencyTable } from '@slackline/scheduling';
import type { Device } from '../cells/device.js';

/**
 * Every batch size up to the largest, each priced as a worker prices it (between profiled sizes on the line that joins
 * them), then rounded to whole ticks, at least one.
 *
 * @returns ticks of subnet s at a batch of b: `[s][b - 1]`
 */
export function ticksOf({ batches, subnets }: Device, gridMs: number): number[][] {
  const rows = subnets.map(({ p50Ms }) => p50Ms);
  const table = new LatencyTable(subnets, batches, rows);
  return subnets.map((_, subnet) =>
    Array.from({ length: table.largestBatch }, (_, i) =>
      Math.max(1, Math.round(table.estimate(subnet, i + 1) / gridMs)),
    ),
  );
}

/** Queries a second that the smallest subnet carries on `devices` devices that never wait, at its best batch size. */
export function smallestCapacity(latency: readonly (readonly number[])[], gridMs: number, devices: number): number {
  const perTick = (latency[0] ?? []).map((ticks, i) => (i + 1) / ticks);
  return (devices * 1_000 * Math.max(...perTick)) / gridMs;
}
