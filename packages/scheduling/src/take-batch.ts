/** Takes what was decided on out of the queue, as a batch for that worker. */
import type { Batch } from './batch.js';
import type { Choice, Times } from './chooser.js';
import type { PooledWorker } from './pooled-worker.js';
import type { Query } from './query.js';

export interface BatchLimits {
  /** Queries of one batch. */
  readonly maxBatch: number;
  /** Bodies of one batch, together. */
  readonly maxBatchBytes: number;
}

export function takeBatch<Q extends Query>(
  id: string,
  worker: PooledWorker<Q>,
  { servable, decision }: Choice<Q>,
  { nowMs, startMs }: Times,
  { maxBatch, maxBatchBytes }: BatchLimits,
): Batch<Q> | undefined {
  const { state, station, scope, view } = servable;
  const { table, version } = station;
  // Whatever a policy knows of minima, none is undercut; and a plan may be older than the front.
  const subnetIndex = Math.min(Math.max(decision.subnet, view.leastSubnet), table.subnets.length - 1);
  const subnet = table.subnets[subnetIndex];
  if (subnet === undefined) return undefined;
  const most = Math.max(1, Math.min(decision.batch, maxBatch));
  const within = { ...scope, mostLevel: station.levelOf(subnetIndex) };
  const queries = state.queue.takeBehind(decision.skip ?? 0, most, maxBatchBytes, within);
  const actuationMs = subnetIndex === view.actuated ? 0 : (table.actuationMs[subnetIndex] ?? 0);
  return {
    id,
    workerId: worker.report.workerId,
    epoch: worker.report.epoch,
    model: state.model,
    version,
    subnet: subnet.id,
    subnetIndex,
    accuracy: subnet.accuracy,
    queries,
    sentAtMs: nowMs,
    startMs,
    silentMs: nowMs - worker.lastSeenMs,
    behind: undefined,
    expectedMs: table.estimate(subnetIndex, queries.length) + actuationMs,
    actuationMs,
  };
}
