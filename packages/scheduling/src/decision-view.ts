/** What a policy gets to see when a worker is free: the queues that this worker can serve, as far as it may serve them. */
import type { Scope } from './edf-queue.js';
import type { ModelState } from './model-state.js';
import type { QueueView } from './policy.js';
import type { Query } from './query.js';
import type { Station } from './station.js';
import type { UrgentWalk } from './urgent-walk.js';
import type { PooledWorker } from './worker-pool.js';

/** A model that the worker can run and that has something for it. */
export interface Servable<Q extends Query> {
  readonly state: ModelState<Q>;
  readonly station: Station<PooledWorker<Q>>;
  /** What of its queue the worker may serve. */
  readonly scope: Scope;
  /** The query that would be served first. */
  readonly first: Q;
  readonly view: QueueView;
}

/** A model and its place on the worker's device class. */
export type Place<Q extends Query> = Pick<Servable<Q>, 'state' | 'station'>;

/** The queues with something for the worker, most urgent head first. */
export function servableBy<Q extends Query>(
  worker: PooledWorker<Q>,
  places: readonly Place<Q>[],
  nowMs: number,
): Servable<Q>[] {
  const waiting = places.filter(({ state }) => state.queue.size > 0);
  // Asked of all of them: each takes note of how it stands.
  const byClass = waiting.filter(({ state }) => state.isOverloaded(nowMs)).length > 0;
  const found: Servable<Q>[] = [];
  for (const { state, station } of waiting) {
    const scope: Scope = { mostLevel: station.mostLevel, byClass };
    const first = state.queue.head(scope);
    if (first === undefined) continue;
    found.push({ state, station, scope, first, view: viewOf(worker, state, station, scope, first) });
  }
  if (found.length < 2) return found;
  return found.sort((a, b) => {
    const higherClass = byClass ? b.first.priority - a.first.priority : 0;
    return higherClass || a.view.headDeadlineMs - b.view.headDeadlineMs;
  });
}

function viewOf<Q extends Query>(
  worker: PooledWorker<Q>,
  state: ModelState<Q>,
  station: Station<PooledWorker<Q>>,
  scope: Scope,
  first: Q,
): QueueView {
  const { queue, model } = state;
  // Whoever is served first, the choice is made for the most urgent of all: so it is as quick as in one order.
  const head = scope.byClass ? queue.head({ ...scope, byClass: false }) : first;
  const { table } = station;
  const actuated = worker.actuated.get(model);
  let walk: UrgentWalk | undefined;
  return {
    model,
    size: queue.sizeIn(scope),
    runnable: queue.runnable(scope),
    headDeadlineMs: (head ?? first).deadlineMs,
    table,
    leastSubnet: station.leastSubnetOf(queue.levelOf(first)),
    actuated: actuated === undefined ? -1 : table.subnets.findIndex(({ id }) => id === actuated),
    arrived: state.arrived,
    latestDeadlineMs: queue.latestMs,
    capacityPerMs: state.capacityPerMs,
    runnableOn: (subnet) => queue.runnable({ ...scope, mostLevel: station.levelOf(subnet) }),
    deadlineMsAt: (k) => {
      walk ??= queue.walk(scope.mostLevel);
      return walk.at(k);
    },
  };
}
