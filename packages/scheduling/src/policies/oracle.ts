/**
 * Plays a plan that was made with the whole arrival sequence known (SuperServe, NSDI'25, section 4.1: the offline optimum).
 * For experiments alone: no name creates it, because a plan belongs to one trace.
 *
 * Each batch of the plan is sent at its time, on the next free worker (workers must be alike), and takes the most urgent
 * queries that it can still answer in time; whoever has too little slack for it is passed over, and waits for a faster batch
 * or expires. O(log n) per query that is passed over or taken.
 */
import { type Decision, type DecisionView, mostUrgent, type Policy, type QueueView } from '../policy.js';

export interface PlannedBatch {
  /** In the time of `DecisionView.nowMs`. */
  readonly startMs: number;
  /** Index in the latency table. */
  readonly subnet: number;
  readonly batch: number;
}

/** Times are sums of latencies: what differs by less is the same moment. */
const epsilonMs = 1e-6;

export class Oracle implements Policy {
  readonly name = 'oracle';
  readonly #plan: readonly PlannedBatch[];
  #next = 0;

  /** @param plan for one model; in any order, batches that start at one moment in the order in which they take queries */
  constructor(plan: readonly PlannedBatch[]) {
    this.#plan = plan.toSorted((a, b) => a.startMs - b.startMs);
  }

  decide(view: DecisionView): Decision {
    const queue = mostUrgent(view);
    const planned = this.#plan[this.#next];
    if (planned === undefined) return { kind: 'wait', untilMs: Number.POSITIVE_INFINITY };
    if (planned.startMs > view.nowMs + epsilonMs) return { kind: 'wait', untilMs: planned.startMs };
    const { batch, subnet } = planned;
    const endMs = view.startMs + queue.table.estimate(subnet, batch);
    return { kind: 'run', model: queue.model, batch, subnet, skip: tooUrgent(queue, endMs) };
  }

  /** A batch of the plan is over when it was sent: `decide` may be asked about it more often. */
  carriedOut({ kind }: Decision): void {
    if (kind === 'run') this.#next += 1;
  }
}

/** How many of the most urgent queries a batch that ends at `endMs` would answer too late. */
function tooUrgent(queue: QueueView, endMs: number): number {
  let count = 0;
  while (queue.deadlineMsAt(count) < endMs - epsilonMs) count += 1;
  return count;
}
