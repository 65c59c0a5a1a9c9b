/** Asks the policy for one free worker: sheds what stands in the way, shows it the queues, and checks what it answers. */
import { othersOf, type Place, type Servable, servableBy, waitingFor } from './decision-view.js';
import { guarded } from './guard.js';
import type { ModelState } from './model-state.js';
import type { Conditions, Decision, DecisionView, Policy, QueueView } from './policy.js';
import type { Query } from './query.js';
import { worthwhile } from './shedding.js';
import type { PooledWorker, WorkerPool } from './worker-pool.js';

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

const nothing: NoChoice = { kind: 'wait', untilMs: Number.POSITIVE_INFINITY };

export class Chooser<Q extends Query> {
  #decisions = 0;

  constructor(
    private readonly policy: Policy,
    private readonly pool: WorkerPool<Q>,
    private readonly expired: (query: Q) => void,
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
    nowMs: number,
  ): Choice<Q> | NoChoice {
    const look = () => {
      const servable = servableBy(worker, places, nowMs);
      return { servable, view: this.#view(worker, servable, conditions, nowMs) };
    };
    const waiting = waitingFor(places);
    for (const { state } of waiting) {
      if (state.freeWorkers > 1) continue;
      const gains = (deadlineMs: number) => this.#gains(state, look().view, deadlineMs);
      for (const query of state.shed(nowMs, othersOf(state, waiting), gains)) this.expired(query);
    }
    const { servable, view } = look();
    if (servable.length === 0) return nothing;
    this.#decisions += 1;
    const decision = guarded(this.policy, view);
    if (decision.kind === 'wait') return decision;
    const chosen = servable.find((each) => each.view.model === decision.model);
    return chosen === undefined ? nothing : { kind: 'run', servable: chosen, decision };
  }

  /** Whether the policy would carry more if the most urgent query, one of that model, had that deadline. */
  #gains(state: ModelState<Q>, view: DecisionView, headDeadlineMs: number): boolean {
    const [first, ...others] = view.queues;
    if (first?.model !== state.model) return false;
    const pace = (queue: QueueView) => paceOf(this.policy.decide({ ...view, queues: [queue, ...others] }), queue);
    return worthwhile * pace({ ...first, headDeadlineMs }) < pace(first);
  }

  #view(
    worker: PooledWorker<Q>,
    servable: readonly Servable<Q>[],
    conditions: Conditions,
    nowMs: number,
  ): DecisionView {
    const { workerId, deviceClass, models } = worker.report;
    return {
      nowMs,
      conditions,
      queues: servable.map((each) => each.view),
      worker: { id: workerId, deviceClass, models },
      otherFreeWorkers: (servable[0]?.state.freeWorkers ?? 1) - 1,
      workers: this.pool.size,
      nextFreeMs: this.pool.nextFreeMs(nowMs, conditions),
    };
  }
}

/** Milliseconds per query of a decision for that queue; Infinity when it is not served. */
function paceOf(decision: Decision, { model, table, size }: QueueView): number {
  if (decision.kind === 'wait' || decision.model !== model) return Number.POSITIVE_INFINITY;
  const batch = Math.max(1, Math.min(decision.batch, size));
  return table.estimate(decision.subnet, batch) / batch;
}
