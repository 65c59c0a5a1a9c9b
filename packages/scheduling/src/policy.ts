/** What a scheduling policy is asked and may answer. The same interface serves live and in simulated time. */
import type { LatencyTable } from './latency-table.js';

/** One model's queue, as a policy may see it. */
export interface QueueView {
  readonly model: string;
  /** Queries waiting. */
  readonly size: number;
  /** How many of them could run in one batch with the most urgent. */
  readonly runnable: number;
  /** Deadline of the most urgent. */
  readonly headDeadlineMs: number;
  /** Latencies of the model on the free worker's device class. */
  readonly table: LatencyTable;
  /** Index in `table` of the least accurate subnet that the most urgent query accepts. */
  readonly leastSubnet: number;
  /** Index of the subnet that the free worker has actuated for this model; -1: none, or not known. */
  readonly actuated: number;
  /** Queries of this model that were ever added: differences over time are the arrival rate. */
  readonly arrived: number;
  /** Deadline of the k-th most urgent query, counted from 0; Infinity beyond the last. O(k log k), for k below 64. */
  deadlineMsAt(k: number): number;
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
  readonly conditions: Conditions;
  /** Queues that the free worker can serve, none of them empty, most urgent head first. */
  readonly queues: readonly QueueView[];
  readonly worker: { readonly id: string; readonly deviceClass: string };
  /** Other workers that are free at this moment. */
  readonly otherFreeWorkers: number;
  /** Workers alive, this one and the busy ones included. */
  readonly workers: number;
  /** When the next busy worker is expected to be free; Infinity when none is busy. */
  readonly nextFreeMs: number;
}

export type Decision =
  /** Run up to `batch` queries of `model` on the subnet with index `subnet` of its table, now. */
  | {
      readonly kind: 'run';
      readonly model: string;
      readonly batch: number;
      readonly subnet: number;
    }
  /** Leave the worker idle; ask again at `untilMs`, or when something changes. */
  | { readonly kind: 'wait'; readonly untilMs: number };

/** Chooses for one free worker. Must be quick (microseconds), must not keep the view, and holds no clock. */
export interface Policy {
  readonly name: string;
  decide(view: DecisionView): Decision;
}

/** The queue whose head is most urgent; every policy here serves that one first (one global EDF order). */
export function mostUrgent(view: DecisionView): QueueView {
  const queue = view.queues[0];
  if (queue === undefined) throw new RangeError('a policy is only asked when a queue is not empty');
  return queue;
}

/**
 * Time left to the most urgent query for the executor alone, in profiled milliseconds: what fits it, fits the deadline. The
 * reserve takes at most half of what is left, so that scarce slack is still spent on batches that are worth their while.
 */
export function slackMs(view: DecisionView, queue: QueueView): number {
  const { overheadMs, reserveMs, slowdown } = view.conditions;
  const leftMs = queue.headDeadlineMs - view.nowMs - overheadMs;
  return (leftMs - Math.min(reserveMs, leftMs / 2)) / slowdown;
}
