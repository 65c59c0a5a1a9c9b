/** What waits of the models that are overloaded, for whoever takes queries in. */
import type { ModelBacklog } from './ahead.js';
import type { ModelState } from './model-state.js';
import { endMs } from './nearly-free.js';
import type { Conditions } from './policy.js';
import type { PooledWorker } from './pooled-worker.js';
import type { Query } from './query.js';

/** Of the models whose backlog cannot be carried. O(models + busy workers). */
export function backlogsOf<Q extends Query>(
  states: readonly ModelState<Q>[],
  busy: Iterable<PooledWorker<Q>>,
  conditions: Conditions,
  nowMs: number,
): ModelBacklog[] {
  const waiting = states.filter(({ queue }) => queue.size > 0);
  const backlogs = states.map((state) =>
    state.backlog(nowMs, sharing(state, waiting), () => busyMs(state, busy, conditions, nowMs)),
  );
  return backlogs.filter((backlog) => backlog !== undefined);
}

/** Those of the models that run on workers of this one; what no worker runs takes nothing of them. */
function sharing<Q extends Query>(state: ModelState<Q>, models: readonly ModelState<Q>[]): ModelState<Q>[] {
  const others = models.filter((other) => other !== state && other.workers > 0);
  return others.filter((other) => [...other.stations.keys()].some((deviceClass) => state.stations.has(deviceClass)));
}

/** How long the workers of a model are busy yet, in the mean. */
function busyMs<Q extends Query>(
  state: ModelState<Q>,
  busy: Iterable<PooledWorker<Q>>,
  conditions: Conditions,
  nowMs: number,
): number {
  let totalMs = 0;
  for (const { batch, next, stations } of busy) {
    const isIts = stations.some((station) => state.stations.get(station.deviceClass) === station);
    if (batch === undefined || !isIts) continue;
    const restMs = Math.max(0, endMs(batch, conditions) + conditions.overheadMs - nowMs);
    totalMs += restMs + (next === undefined ? 0 : next.expectedMs * conditions.slowdown);
  }
  return totalMs / Math.max(1, state.workers);
}
