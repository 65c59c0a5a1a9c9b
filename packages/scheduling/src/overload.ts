/**
 * When priority classes begin to count. While a model's backlog can be carried its queries are served in one EDF order,
 * whatever their class. Once it cannot be, every batch is filled from the highest class down, and what is left over of the
 * lower ones expires. Two things say that it cannot be carried:
 *
 * - Arithmetic: even in the best batches on the least subnets that satisfy them, on all workers that take batches, at the
 *   slowdown that is measured, the waiting queries of a class and of those above it would take until after their last
 *   deadline, be it alone or with other models that the same workers serve. This can be told before anything is lost.
 * - Loss: a query that a worker could have served has expired. Policies do not reach the best throughput, and what is
 *   carried at theirs only shows in what is lost.
 *
 * Either holds for `calmMs` after it was last seen, because losses come one by one. O(classes x models of a
 * worker) per decision.
 */
import type { Conditions } from './policy.js';
import type { PriorityClass } from './query.js';

/** How long after the last sign of overload classes count. */
const calmMs = 1_000;
const fromHighest: readonly PriorityClass[] = [2, 1, 0];

/** What waits of one model. */
export interface Backlog {
  demandOf(priority: PriorityClass): Readonly<{ work: number; latestMs: number }>;
  /** Queries per millisecond that the workers could carry of it at best, if they did nothing else. */
  readonly capacityPerMs: number;
}

export class Overload {
  #untilMs = Number.NEGATIVE_INFINITY;

  /** A query that could have been served has expired. */
  lost(nowMs: number): void {
    this.#untilMs = nowMs + calmMs;
  }

  /**
   * @param own what waits of the model
   * @param all the same with what waits of other models for the same workers
   */
  isOn(own: Backlog, all: readonly Backlog[], conditions: Conditions, nowMs: number): boolean {
    if (isTooMuch(own, all, conditions, nowMs)) this.#untilMs = nowMs + calmMs;
    return nowMs < this.#untilMs;
  }

  /** The same for an onlooker: what is seen between two decisions does not change the next one. */
  wouldBeOn(own: Backlog, all: readonly Backlog[], conditions: Conditions, nowMs: number): boolean {
    return nowMs < this.#untilMs || isTooMuch(own, all, conditions, nowMs);
  }

  /** The clock was set anew. */
  shiftTimes(byMs: number): void {
    this.#untilMs += byMs;
  }
}

function isTooMuch(own: Backlog, all: readonly Backlog[], { overheadMs }: Conditions, nowMs: number): boolean {
  const fromMs = nowMs + overheadMs;
  return !canCarry([own], fromMs) || (all.length > 1 && !canCarry(all, fromMs));
}

/** Whether each class, with those above it, could be done by its last deadline. */
function canCarry(backlogs: readonly Backlog[], fromMs: number): boolean {
  let takesMs = 0;
  let latestMs = Number.NEGATIVE_INFINITY;
  for (const priority of fromHighest) {
    for (const backlog of backlogs) {
      const demand = backlog.demandOf(priority);
      if (demand.work === 0) continue;
      takesMs += demand.work / backlog.capacityPerMs;
      latestMs = Math.max(latestMs, demand.latestMs);
    }
    if (takesMs > 0 && fromMs + takesMs > latestMs) return false;
  }
  return true;
}
