/**
 * What a query that comes now would have to wait for. Whoever takes queries in, far from the queue, can tell by it which of
 * them are hopeless: the same arithmetic by which overload is told (overload.ts), with one query more.
 */
import { longestOf } from './demand.js';
import { type Backlog, DemandSum } from './overload.js';
import { type PriorityClass, priorityClasses } from './query.js';

interface Waiting {
  /** How long it takes at best; 0: nothing waits. */
  readonly takesMs: number;
  /** No deadline of it lies later; -Infinity where nothing waits. */
  readonly latestMs: number;
}

/** What waits and was given no longer than so many milliseconds. */
export interface AheadWithin extends Waiting {
  /** A power of two, so that what was given about as long counts with it; Infinity where some was given more than two minutes. */
  readonly sloMs: number;
}

/** All that waits of a class and those above it, other models of the same workers included. */
export interface Ahead extends AheadWithin {
  /** Parts of it, the shortest limits first: empty where all have much the same. */
  readonly within: readonly AheadWithin[];
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
  const sum = new DemandSum(all, least);
  const within: AheadWithin[] = [];
  while (sum.next()) {
    within.push({ sloMs: longestOf(sum.band), takesMs: sum.takesMs + firstMs, latestMs: sum.latestMs });
  }
  const longest = within.pop() ?? { sloMs: 0, takesMs: 0, latestMs: Number.NEGATIVE_INFINITY };
  return { ...longest, within };
}
