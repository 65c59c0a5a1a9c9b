/** Asks the policy for one free worker: sheds what stands in the way, shows it the queues, and checks what it answers. */
import { othersOf, type Place, type Servable, servableBy, waitingFor } from './decision-view.js';
import { guarded } from './guard.js';
import type { ModelState } from './model-state.js';
import {
  type Conditions,
  changeMs,
  type Decision,
  type DecisionView,
  type Policy,
  type QueueView,
  roundingMs,
  slackMs,
  withoutReserve,
} from './policy.js';
import type { PooledWorker } from './pooled-worker.js';
import type { Query } from './query.js';
import { room, worthwhile } from './shedding.js';
import type { WorkerPool } from './worker-pool.js';

export interface Choice<Q extends Query> {
  readonly kind: 'run';
  readonly servable: Servable<Q>;
  readonly decision: Decision & { readonly kind: 'run' };
}

/** There is nothing for this worker, or the policy leaves it idle. */
export interface NoChoice {
  readonly kind: 'wait';
  /** When to ask again although nothing has happened. */
  readonly untilMs: number;
}

/** When a choice is made, and when its worker can begin (`DecisionView.startMs`). */
export interface Times {
  readonly nowMs: number;
  readonly startMs: number;
}

const nothing: NoChoice = { kind: 'wait', untilMs: Number.POSITIVE_INFINITY };

export class Chooser<Q extends Query> {
  #decisions = 0;

  constructor(
    private readonly policy: Policy,
    private readonly pool: WorkerPool<Q>,
    private readonly expired: (query: Q) => void,
    /** Queries of one batch. */
    private readonly maxBatch: number,
  ) {}

  /** How often the policy was asked to choose. */
  get decisions(): number {
    return this.#decisions;
  }

  /** @param places the models that the worker can run */
  choose(
    worker: PooledWorker<Q>,
    places: readonly Place<Q>[],
    conditions: Conditions,
    times: Times,
  ): Choice<Q> | NoChoice {
    const look = () => {
      const servable = servableBy(worker, places, times.nowMs);
      return { servable, view: this.#view(worker, servable, conditions, times) };
    };
    const waiting = waitingFor(places);
    for (const { state } of waiting) {
      if (state.freeWorkers > (worker.batch === undefined ? 1 : 0)) continue;
      const paceAfterMs = this.#paceAfter(state, () => look().view);
      for (const query of state.shed(times, othersOf(state, waiting), paceAfterMs)) this.expired(query);
    }
    const { servable, view } = look();
    const [first] = servable;
    if (first === undefined || (worker.batch !== undefined && !this.#canBeSentAhead(view, first))) return nothing;
    this.#decisions += 1;
    const decision = guarded(this.policy, view);
    if (decision.kind === 'wait') return decision;
    const chosen = servable.find((each) => each.view.model === decision.model);
    return chosen === undefined ? nothing : { kind: 'run', servable: chosen, decision };
  }

  /** Whether a full batch waits for a worker that is only nearly free, and still makes it there. */
  #canBeSentAhead(view: DecisionView, first: Servable<Q>): boolean {
    return first.view.runnable >= first.station.fullBatch(this.maxBatch) && !this.#comesTooLate(view, first.view);
  }

  /**
   * Whether the most urgent query would be late if it waited for a worker that is only nearly free: another may be free in time.
   * Once it is out of everybody's reach, it expires.
   */
  #comesTooLate(view: DecisionView, first: QueueView): boolean {
    if (view.startMs <= view.nowMs) return false;
    const subnet = Math.max(this.policy.floor?.(first.table) ?? 0, first.leastSubnet);
    return slackMs(withoutReserve(view), first) < first.table.at(subnet, 0) + changeMs(first, subnet);
  }

  /**
   * What a query would take by the policy's choice if the most urgent one, one of that model, had that deadline. Infinity where the policy
   * would not carry more then; or as much, and have room where it now uses the reserve up and is barely in time.
   */
  #paceAfter(state: ModelState<Q>, look: () => DecisionView): (headDeadlineMs: number) => number {
    let seen: { view: DecisionView; now: Decision } | undefined;
    return (headDeadlineMs) => {
      const view = seen?.view ?? look();
      const [first, ...others] = view.queues;
      if (first?.model !== state.model) return Number.POSITIVE_INFINITY;
      const choiceFor = (queue: QueueView) => this.policy.decide({ ...view, queues: [queue, ...others] });
      const now = seen?.now ?? choiceFor(first);
      seen = { view, now };
      const nowMs = paceOf(now, first);
      const later = { ...first, headDeadlineMs };
      const then = choiceFor(later);
      const thenMs = paceOf(then, first);
      const hasRoom = isBarelyInTime(now, view, first) && !isBarelyInTime(then, view, later);
      const gains = worthwhile * thenMs < nowMs || (thenMs <= nowMs && hasRoom);
      return gains ? thenMs : Number.POSITIVE_INFINITY;
    };
  }

  #view(
    worker: PooledWorker<Q>,
    servable: readonly Servable<Q>[],
    conditions: Conditions,
    { nowMs, startMs }: Times,
  ): DecisionView {
    const { workerId, deviceClass, models } = worker.report;
    const freeWorkers = servable[0]?.state.freeWorkers ?? 0;
    return {
      nowMs,
      startMs,
      conditions,
      queues: servable.map((each) => each.view),
      worker: { id: workerId, deviceClass, models },
      otherFreeWorkers: worker.batch === undefined ? Math.max(0, freeWorkers - 1) : freeWorkers,
      workers: this.pool.size,
    };
  }
}

/** Milliseconds per query of a decision for that queue; Infinity when it is not served. */
function paceOf(decision: Decision, queue: QueueView): number {
  if (decision.kind === 'wait' || decision.model !== queue.model) return Number.POSITIVE_INFINITY;
  const batch = batchOf(decision, queue);
  return (queue.table.estimate(decision.subnet, batch) + changeMs(queue, decision.subnet)) / batch;
}

/** Whether what is chosen leaves the most urgent query little room. One that is passed over has none, and that is meant. */
function isBarelyInTime(decision: Decision, view: DecisionView, queue: QueueView): boolean {
  if (view.conditions.reserveMs === 0 || decision.kind === 'wait' || decision.model !== queue.model) return false;
  if ((decision.skip ?? 0) > 0) return false;
  const takesMs =
    room * queue.table.estimate(decision.subnet, batchOf(decision, queue)) + changeMs(queue, decision.subnet);
  return takesMs > slackMs(withoutReserve(view), queue) + roundingMs;
}

/** As many as are decided on, where so many wait that the subnet is good enough for. */
function batchOf({ batch, subnet }: Decision & { kind: 'run' }, { runnableOn }: QueueView): number {
  return Math.max(1, Math.min(batch, runnableOn(subnet)));
}
