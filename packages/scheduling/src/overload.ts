/**
 * When priority classes begin to count. While a model's backlog can be carried its queries are served in one EDF order,
 * whatever their class. Once it cannot be, every batch is filled from the highest class down, and what is left over of the
 * lower ones expires. Two things say that it cannot be carried:
 *
 * - Arithmetic: even in the best batches on the least subnets that satisfy them, on all workers that take batches, at the
 *   slowdown that is measured, the waiting queries of a class and of those above it would take until after their last
 *   deadline, all of them or those that were given no longer than some time (demand.ts), be it alone or with other models that the same
 *   workers serve. This can be told before anything is lost.
 * - Loss: a query that a worker could have served has expired. Policies do not reach the best throughput, and what is
 *   carried at theirs only shows in what is lost.
 *
 * Either holds for `calmMs` after it was last seen, because losses come one by one. O(classes x bands x models of a
 * worker) per decision.
 */
import { type Demand, lowestOf } from './demand.js';
import type { Conditions } from './policy.js';
import { type PriorityClass, priorityClasses } from './query.js';

/** How long after the last sign of overload classes count. */
const calmMs = 1_000;

/** What waits of one model. */
export interface Backlog {
  demandOf(priority: PriorityClass): Demand;
  /** Queries per millisecond that the workers could carry of it at best, if they did nothing else. */
  readonly capacityPerMs: number;
}

/** What waits of a class and those above it, of several models, summed up from the shortest limits on. */
export class DemandSum {
  takesMs = 0;
  latestMs = Number.NEGATIVE_INFINITY;

  /** The band that was added last. */
  band = -1;
  /** Those that are not added yet, as bits. */
  #rest = 0;

  constructor(
    private readonly backlogs: readonly Backlog[],
    private readonly least: PriorityClass,
  ) {
    for (const backlog of backlogs) {
      for (const priority of priorityClasses) if (priority >= least) this.#rest |= backlog.demandOf(priority).used;
    }
  }

  /** Adds the next band in which something waits that can be served; false: there is none. */
  next(): boolean {
    const beforeMs = this.takesMs;
    while (this.#rest !== 0 && this.takesMs === beforeMs) {
      this.band = lowestOf(this.#rest);
      this.#rest &= this.#rest - 1;
      for (const backlog of this.backlogs) {
        for (const priority of priorityClasses) if (priority >= this.least) this.#add(backlog, priority);
      }
    }
    return this.takesMs > beforeMs;
  }

  #add(backlog: Backlog, priority: PriorityClass): void {
    const demand = backlog.demandOf(priority);
    const work = demand.workIn(this.band);
    if (work === 0) return;
    this.takesMs += work / backlog.capacityPerMs;
    this.latestMs = Math.max(this.latestMs, demand.latestIn(this.band));
  }
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

/** Whether each class, with those above it, could be done by its last deadline: all of it, and what was given no longer than each band. */
function canCarry(backlogs: readonly Backlog[], fromMs: number): boolean {
  for (const least of priorityClasses) {
    // Where nothing of a class waits, the one above it says the same.
    if (backlogs.every((backlog) => backlog.demandOf(least).used === 0)) continue;
    const sum = new DemandSum(backlogs, least);
    while (sum.next()) if (fromMs + sum.takesMs > sum.latestMs) return false;
  }
  return true;
}
