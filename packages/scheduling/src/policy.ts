/** What a scheduling policy is asked and may answer. The same interface serves live and in simulated time. */
import type { LatencyTable } from './latency-table.js';

/** One model's queue, as a policy may see it. */
export interface QueueView {
  readonly model: string;
  /**
   * Queries waiting that this worker can serve: here and below those that its device class has no subnet for are left out.
   */
  readonly size: number;
  /** How many of them could run in one batch with the most urgent, on a subnet that satisfies them all. */
  readonly runnable: number;
  /** Deadline of the most urgent. */
  readonly headDeadlineMs: number;
  /** No query has a later one: the latest that was added since the queue was last empty, though that one may have left. */
  readonly latestDeadlineMs: number;
  /** The time from arrival to deadline that its queries usually have. */
  readonly sloMs: number;
  /**
   * Queries per millisecond that all workers which take batches could carry at best: in the best batches on the smallest
   * subnets of their device classes, at the measured slowdown.
   */
  readonly capacityPerMs: number;
  /** Latencies of the model on the free worker's device class. */
  readonly table: LatencyTable;
  /** Index in `table` of the least accurate subnet that the query accepts which is served first: a floor under the choice. */
  readonly leastSubnet: number;
  /** Index of the subnet that the free worker has actuated for this model; -1: none, or not known. */
  readonly actuated: number;
  /** Queries of this model that were ever added: differences over time are the arrival rate. */
  readonly arrived: number;
  /**
   * What they take at best, each on the least subnet that its minimum accuracy allows, as a multiple of what a query takes on
   * the smallest subnet: equal to `arrived` where any accuracy will do.
   */
  readonly workArrived: number;
  /** How many could run in one batch with the most urgent on that subnet: those whose minimum it satisfies. O(log subnets). */
  runnableOn(subnet: number): number;
  /**
   * Deadline of the k-th most urgent query, counted from 0; Infinity beyond the last. O(k log k) for all k up to one
   * together: what was walked is remembered within a decision.
   *
   * @param subnet counts those alone whose minimum it satisfies, which are those that a decision for it can skip; absent: all
   */
  deadlineMsAt(k: number, subnet?: number): number;
}

/** How serving differs from what was profiled. */
export interface Conditions {
  /** Executors take so many times what was profiled; 1 or more. */
  readonly slowdown: number;
  /** Time that a batch usually takes beyond that (bus, queues). */
  readonly overheadMs: number;
  /** What the slower batches take beyond both: kept back when a choice is made, not when a query is given up. */
  readonly reserveMs: number;
}

export interface DecisionView {
  readonly nowMs: number;
  /**
   * When the worker can begin, less the way of the command to it: now where it is free, and where a batch is sent ahead of the end
   * of the one that it has, that expected end.
   */
  readonly startMs: number;
  readonly conditions: Conditions;
  /** Queues that the free worker (or the nearly free one) can serve, none of them empty, most urgent head first. */
  readonly queues: readonly QueueView[];
  readonly worker: {
    readonly id: string;
    readonly deviceClass: string;
    /** Names of the models that it hosts. */
    readonly models: ReadonlySet<string>;
  };
  /** Other workers that are free at this moment and can serve the model of the most urgent query. */
  readonly otherFreeWorkers: number;
  /** Workers alive, this one and the busy ones included. */
  readonly workers: number;
}

export type Decision =
  /** Run up to `batch` queries of `model` on the subnet with index `subnet` of its table, now. */
  | {
      readonly kind: 'run';
      readonly model: string;
      readonly batch: number;
      readonly subnet: number;
      /** Leave so many of the most urgent waiting, and take those behind them; absent: 0. */
      readonly skip?: number;
    }
  /** Leave the worker idle; ask again at `untilMs`, or when something changes. */
  | { readonly kind: 'wait'; readonly untilMs: number };

/** Chooses for one free worker. Must be quick (microseconds), must not keep the view, and holds no clock. */
export interface Policy {
  readonly name: string;
  /**
   * Whether a `wait` is about the worker that was asked for, as with a plan that gives each worker its own subnet; then
   * every free worker is asked in turn. Otherwise one wait speaks for all free workers of its model and device class.
   */
  readonly perWorker?: boolean;
  /**
   * Index of the least accurate subnet of a table that this policy ever runs; absent: 0. Queries that even that one could not
   * answer in time are given up, so that a policy with one slow subnet is not left with heads that it can only answer late.
   */
  floor?(table: LatencyTable): number;
  decide(view: DecisionView): Decision;
  /**
   * Told what is really done, once per decision, for policies that keep account: `decide` may be asked several times for one
   * (see guard.ts; under overload also what it would do with more slack), and its answers put aside.
   */
  carriedOut?(decision: Decision, view: DecisionView): void;
}

/** What sums of milliseconds may be off by: those since 1970 have steps of a quarter of a microsecond. */
export const roundingMs = 1e-3;

/** The queue whose head is most urgent; every policy here serves that one first (one global EDF order). */
export function mostUrgent(view: DecisionView): QueueView {
  const queue = view.queues[0];
  if (queue === undefined) throw new RangeError('a policy is only asked when a queue is not empty');
  return queue;
}

/**
 * Time left to the most urgent query for the executor alone, in profiled milliseconds: what fits it, fits the deadline. The
 * reserve takes at most half of what is left, so that scarce slack is still spent on batches that are worth their while.
 *
 * @param keptMs what is kept back in place of the reserve, in milliseconds as they pass
 */
export function slackMs(view: DecisionView, queue: QueueView, keptMs = view.conditions.reserveMs): number {
  return slackUntilMs(queue.headDeadlineMs, view.startMs, { ...view.conditions, reserveMs: keptMs });
}

/** The same for any query, and a worker that can begin at `startMs`. */
export function slackUntilMs(
  deadlineMs: number,
  startMs: number,
  { overheadMs, reserveMs, slowdown }: Conditions,
): number {
  const leftMs = deadlineMs - startMs - overheadMs;
  return (leftMs - Math.min(reserveMs, leftMs / 2)) / slowdown;
}

/** How long before its deadline a query must be begun with for a slack of `costMs`: the reverse of `slackUntilMs`. */
export function leadMs(costMs: number, { overheadMs, reserveMs, slowdown }: Conditions): number {
  const takesMs = costMs * slowdown;
  return overheadMs + takesMs + Math.min(reserveMs, takesMs);
}

/** For a choice that keeps nothing back. */
export function withoutReserve(view: DecisionView): DecisionView {
  return { ...view, conditions: { ...view.conditions, reserveMs: 0 } };
}

/**
 * What a batch costs the free worker in profiled milliseconds, to be compared with `slackMs`: the latency of the grid's
 * entry, and changing to that subnet where it is not the one actuated.
 *
 * @param batchIndex column of the table
 */
export function costMs(queue: QueueView, subnet: number, batchIndex: number): number {
  return queue.table.at(subnet, batchIndex) + changeMs(queue, subnet);
}

/** What it costs the free worker to change to a subnet: 0 where it is the one actuated. */
export function changeMs({ actuated, table }: QueueView, subnet: number): number {
  return subnet === actuated ? 0 : (table.actuationMs[subnet] ?? 0);
}

/**
 * The latest moment at which a batch of that cost still fits the most urgent deadline: where `slackMs` has shrunk to it.
 * Policies that wait wait until then at most.
 *
 * @param costMs in profiled milliseconds, as `slackMs` gives them
 */
export function latestStartMs(view: DecisionView, queue: QueueView, costMs: number): number {
  return queue.headDeadlineMs - leadMs(costMs, view.conditions);
}
