/** What policies that plan are shown. O(workers): for a plan, not for a decision. */
import type { ModelState } from './model-state.js';
import type { PlanModel, PlanWorker } from './plan.js';
import type { PooledWorker } from './pooled-worker.js';
import type { Query } from './query.js';

export function planModelOf<Q extends Query>({ model, arrived, queue, sloMs, stations }: ModelState<Q>): PlanModel {
  const tables = new Map([...stations].map(([deviceClass, { table }]) => [deviceClass, table]));
  return { model, arrived, queued: queue.size, sloMs, tables };
}

export function planWorkerOf<Q extends Query>({ report }: PooledWorker<Q>): PlanWorker {
  return { id: report.workerId, deviceClass: report.deviceClass, models: report.models };
}
