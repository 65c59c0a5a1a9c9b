/** What a policy gets to see when a worker is free: the queues that this worker can serve, as far as it may serve them. */
import type { Scope } from './edf-queue.js';
import type { ModelState } from './model-state.js';
import type { QueueView } from './policy.js';
import type { PooledWorker } from './pooled-worker.js';
import type { Query } from './query.js';
import type { Station } from './station.js';
import type { UrgentWalk } from './urgent-walk.js';

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

/** The models that have something for the worker, most urgent head first. */
export function waitingFor<Q extends Query>(places: readonly Place<Q>[]): Place<Q>[] {
  const waiting: { place: Place<Q>; headMs: number }[] = [];
  for (const place of places) {
    const { queue } = place.state;
    const head = queue.size === 0 ? undefined : queue.head({ mostLevel: place.station.mostLevel, byClass: false });
    if (head !== undefined) waiting.push({ place, headMs: head.deadlineMs });
  }
  return waiting.sort((a, b) => a.headMs - b.headMs).map(({ place }) => place);
}

/** Their queues as a policy may see them, those with a higher class first under overload. */
export function servableBy<Q extends Query>(
  worker: PooledWorker<Q>,
  places: readonly Place<Q>[],
  nowMs: number,
): Servable<Q>[] {
  const waiting = waitingFor(places);
  // All models together are only looked at for the one whose turn it is: so it is O(models).
  const byClass = waiting.some(({ state }, i) => state.isOverloaded(nowMs, i === 0 ? othersOf(state, waiting) : []));
  const found: Servable<Q>[] = [];
  for (const { state, station } of waiting) {
    const scope: Scope = { mostLevel: station.mostLevel, byClass };
    const first = state.queue.head(scope);
    if (first === undefined) continue;
    found.push({ state, station, scope, first, view: viewOf(worker, state, station, scope, first) });
  }
  return byClass ? found.sort((a, b) => b.first.priority - a.first.priority) : found;
}

export function othersOf<Q extends Query>(state: ModelState<Q>, places: readonly Place<Q>[]): ModelState<Q>[] {
  return places.length < 2 ? [] : places.map((place) => place.state).filter((each) => each !== state);
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
  const leastSubnet = station.leastSubnetOf(queue.levelOf(first));
  // Of the batch on its device, where it is not free yet.
  const actuated = worker.batch?.model === model ? worker.batch.subnet : worker.actuated.get(model);
  let walk: { most: number; deadlines: UrgentWalk } | undefined;
  return {
    model,
    size: queue.sizeIn(scope),
    runnable: queue.runnable(scope),
    headDeadlineMs: (head ?? first).deadlineMs,
    table,
    leastSubnet,
    actuated: actuated === undefined ? -1 : table.subnets.findIndex(({ id }) => id === actuated),
    arrived: state.arrived,
    workArrived: state.workArrived,
    latestDeadlineMs: queue.latestMs,
    sloMs: state.sloMs ?? Number.POSITIVE_INFINITY,
    capacityPerMs: state.capacityPerMs,
    runnableOn: (subnet) => queue.runnable({ ...scope, mostLevel: station.levelOf(Math.max(subnet, leastSubnet)) }),
    deadlineMsAt: (k, subnet) => {
      const most = subnet === undefined ? scope.mostLevel : station.levelOf(Math.max(subnet, leastSubnet));
      if (walk?.most !== most) walk = { most, deadlines: queue.walk({ least: 0, most }) };
      return walk.deadlines.at(k);
    },
  };
}
