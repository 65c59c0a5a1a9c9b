/** Turns timing samples into the latency table of a device class: percentiles, without the inversions of noise. Pure. */
import type { LatencyProfile, ModelEntry } from '@slackline/shared';
import { paretoFront } from './stages/select.js';

/** Samples in milliseconds of one subnet, `samples[batch][i]` in the order of the profile's batches. */
export interface SubnetSamples {
  id: string;
  samples: number[][];
}

export type LatencyRow = LatencyProfile['subnets'][number];

/** How far below the fastest sample a latency can be said to lie: schemas want it positive. */
const leastMs = 0.001;

/**
 * The rows of a latency table: the pareto front of `subnets` (with the accuracies of `rated`), ascending in both.
 * A larger batch, a dearer subnet or a higher percentile is never said to be faster: where noise measured it so, the
 * higher value wins. Throws `RangeError` when a cell has no samples.
 */
export function latencyRows(subnets: readonly SubnetSamples[], rated: ModelEntry['subnets']): LatencyRow[] {
  const accuracyOf = new Map(rated.map((subnet) => [subnet.id, subnet.accuracy]));
  const rows = subnets.map(({ id, samples }) => {
    const p50Ms = rising(samples.map((cell) => percentile(cell, 0.5)));
    const p99Ms = rising(
      highest(
        samples.map((cell) => percentile(cell, 0.99)),
        p50Ms,
      ),
    );
    return { id, accuracy: accuracyOf.get(id) ?? 0, p50Ms, p99Ms, cost: geometricMean(p50Ms) };
  });
  const table: LatencyRow[] = [];
  for (const { id, accuracy, p50Ms, p99Ms } of paretoFront(rows)) {
    const cheaper = table.at(-1);
    table.push({
      id,
      accuracy,
      p50Ms: cheaper === undefined ? p50Ms : highest(p50Ms, cheaper.p50Ms),
      p99Ms: cheaper === undefined ? p99Ms : highest(p99Ms, cheaper.p99Ms),
    });
  }
  return table;
}

/** The value below which the share `p` (0..1) of the samples lies, interpolated between the two nearest ranks. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = (sorted.length - 1) * p;
  const below = sorted[Math.floor(rank)];
  const above = sorted[Math.ceil(rank)];
  if (below === undefined || above === undefined) throw new RangeError('no samples');
  const value = below + (above - below) * (rank - Math.floor(rank));
  return Math.max(leastMs, Math.round(value * 1000) / 1000);
}

function rising(values: readonly number[]): number[] {
  let most = 0;
  return values.map((value) => {
    most = Math.max(most, value);
    return most;
  });
}

function highest(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => Math.max(value, b[i] ?? 0));
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
