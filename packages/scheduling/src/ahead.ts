/**
 * What a query that comes now would have to wait for. Whoever takes queries in, far from the queue, can tell by it which of
 * them are hopeless: the same arithmetic by which overload is told (overload.ts), with one query more.
 */
import type { Backlog } from './overload.js';
import { type PriorityClass, priorityClasses } from './query.js';

/** What waits of a class and those above it, other models of the same workers included. */
export interface Ahead {
  /** How long it takes at best; 0: nothing waits. */
  readonly takesMs: number;
  /** No deadline of it lies later; -Infinity where nothing waits. */
  readonly latestMs: number;
}

/** One model whose backlog cannot be carried, or lately could not. */
export interface ModelBacklog {
  readonly model: string;
  /** Of its queries, per millisecond, all workers together at best; they ask for accuracy as those do that wait. */
  readonly capacityPerMs: number;
  /** By priority class. */
  readonly ahead: readonly Ahead[];
}

/**
 * @param all what waits of the model, and of others for the same workers
 * @param firstMs what passes before the first of it is begun
 */
export function aheadOf(all: readonly Backlog[], firstMs: number): Ahead[] {
  return priorityClasses.map((least) => sumOf(all, least, firstMs));
}

function sumOf(all: readonly Backlog[], least: PriorityClass, firstMs: number): Ahead {
  let takesMs = 0;
  let latestMs = Number.NEGATIVE_INFINITY;
  for (const backlog of all) {
    for (const priority of priorityClasses.slice(least)) {
      const demand = backlog.demandOf(priority);
      if (demand.work === 0) continue;
      takesMs += demand.work / backlog.capacityPerMs;
      latestMs = Math.max(latestMs, demand.latestMs);
    }
  }
  return { takesMs: takesMs === 0 ? 0 : takesMs + firstMs, latestMs };
}
