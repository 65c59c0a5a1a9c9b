/**
 * The queries of one model in earliest-deadline-first order, sorted into priority classes and, by the minimum accuracy that
 * they ask for, into lanes. A `Scope` says which of them are meant: whoever asks leaves out what it may not serve.
 *
 * Every operation is O(log n) per query, whatever the minima are.
 */
import { AccuracyLevels } from './accuracy-levels.js';
import { Demand } from './demand.js';
import type { Keyed } from './fronted-heap.js';
import { type LaneRange, Lanes } from './lanes.js';
import type { Conditions } from './policy.js';
import { type PriorityClass, priorityClasses, type Query } from './query.js';
import { UrgentWalk } from './urgent-walk.js';

/** Earlier deadline first; among equals, who was accepted first. */
export function byDeadline(a: Query, b: Query): number {
  return a.deadlineMs - b.deadlineMs || a.sequence - b.sequence;
}

export interface Scope {
  /** Queries that ask for a higher level of accuracy are passed over. */
  readonly mostLevel: number;
  /** Whether those of a higher class come first; otherwise all classes are in one order. */
  readonly byClass: boolean;
}

/** The waiting queries of one priority class. */
interface Waiting<Q extends Query> {
  readonly together: Lanes<Q>;
  /** What a lost worker held runs alone: if one of them is what killed it, it takes no neighbours along. */
  readonly alone: Lanes<Q>;
  readonly demand: Demand;
}

const noAccuracies = new AccuracyLevels([]);
const all = Number.POSITIVE_INFINITY;
const allLevels: LaneRange = { least: 0, most: all };
const everything: Scope = { mostLevel: all, byClass: false };
const noDemand = new Demand();

export class EdfQueue<Q extends Query> {
  #levels: AccuracyLevels;
  /** By priority class. */
  #classes: readonly Waiting<Q>[];
  readonly #walk = new UrgentWalk();

  /** @param levels of the model's tables; without any, no query can be served, and all are in one lane */
  constructor(levels = noAccuracies) {
    this.#levels = levels;
    this.#classes = newClasses(levels);
  }

  /** Queries waiting, those that no known subnet satisfies included. */
  get size(): number {
    let size = 0;
    for (const { together, alone } of this.#classes) size += together.size + alone.size;
    return size;
  }

  /** Queries of one priority class, of all levels or those that are named. */
  sizeOf(priority: PriorityClass, levels = allLevels): number {
    const waiting = this.#classes[priority];
    return waiting === undefined ? 0 : waiting.together.countWithin(levels) + waiting.alone.countWithin(levels);
  }

  /** What the queries of one priority class take at best (see `AccuracyLevels.workOf`), and bounds on their deadlines. */
  demandOf(priority: PriorityClass): Demand {
    return this.#classes[priority]?.demand ?? noDemand;
  }

  /** No query has a later deadline; it may be that of one that has left. */
  get latestMs(): number {
    return this.#classes.reduce(
      (latestMs, { demand }) => Math.max(latestMs, demand.latestMs),
      Number.NEGATIVE_INFINITY,
    );
  }

  /** The same for some levels. O(lanes). */
  latestWithin(levels: LaneRange): number {
    return this.#classes.reduce(
      (latestMs, { together, alone }) => Math.max(latestMs, together.latestWithin(levels), alone.latestWithin(levels)),
      Number.NEGATIVE_INFINITY,
    );
  }

  /** Sorts what waits by other levels, e.g. of a new version: O(n log n). */
  setLevels(levels: AccuracyLevels): void {
    const waiting = this.takeAll();
    this.#levels = levels;
    this.#classes = newClasses(levels);
    for (const query of waiting) this.push(query);
  }

  push(query: Q): void {
    const waiting = this.#classes[query.priority];
    if (waiting === undefined) throw new RangeError(`there is no priority class ${query.priority}`);
    const level = this.levelOf(query);
    (query.deaths > 0 ? waiting.alone : waiting.together).push(query, level);
    waiting.demand.add(query, this.#levels.workOf(level));
  }

  /** The query that is served first. */
  head(scope: Scope = everything): Q | undefined {
    return this.#find(scope, true)?.query;
  }

  /** How many could run in one batch with the head. */
  runnable(scope: Scope = everything): number {
    const head = this.head(scope);
    if (head === undefined || head.deaths > 0) return head === undefined ? 0 : 1;
    let runnable = 0;
    for (const { together } of this.#classes) runnable += together.countUpTo(scope.mostLevel);
    return runnable;
  }

  /** How many there are. */
  sizeIn({ mostLevel }: Scope): number {
    let size = 0;
    for (const { together, alone } of this.#classes) size += together.countUpTo(mostLevel) + alone.countUpTo(mostLevel);
    return size;
  }

  /**
   * Removes the head and those that run with it, in the order of the scope: at most `most` queries, and at most `mostBytes` of
   * bodies unless the head alone is larger.
   */
  take(most: number, mostBytes = Number.POSITIVE_INFINITY, scope: Scope = everything): Q[] {
    const taken: Q[] = [];
    let bytes = 0;
    let found = this.#find(scope, true);
    while (found !== undefined && taken.length < most) {
      const { query, lanes, lane } = found;
      if (taken.length > 0 && bytes + query.bytes > mostBytes) break;
      bytes += query.bytes;
      taken.push(query);
      this.#pop(lanes, lane, query.priority);
      found = query.deaths > 0 ? undefined : this.#find(scope, false);
    }
    return taken;
  }

  /**
   * As `take`, but leaves the `skip` most urgent waiting. Where nothing is behind them they are taken themselves.
   */
  takeBehind(skip: number, most: number, mostBytes: number, scope: Scope): Q[] {
    if (skip <= 0) return this.take(most, mostBytes, scope);
    const skipped = this.take(skip, all, { ...scope, byClass: false });
    const behind = this.take(most, mostBytes, scope);
    for (const query of skipped) this.push(query);
    return behind.length > 0 ? behind : this.take(most, mostBytes, scope);
  }

  /** Removes everything, most urgent first. */
  takeAll(): Q[] {
    const heaps = this.#classes.flatMap(({ together, alone }) => [
      ...together.heapsWithin(allLevels),
      ...alone.heapsWithin(allLevels),
    ]);
    const waiting = heaps.flatMap((heap) => heap.drain());
    this.#classes = newClasses(this.#levels);
    return waiting.sort(byDeadline);
  }

  /**
   * Removes what can no longer be answered in time: less is left than a query's own floor needs, which is one query on the
   * least subnet that satisfies it. What nothing satisfies goes at its deadline. O(lanes) beside what is removed.
   */
  takeUnreachable(nowMs: number, conditions: Conditions): Q[] {
    const taken: Q[] = [];
    for (const { together, alone } of this.#classes) {
      for (const lanes of [together, alone]) {
        for (let level = 0; lanes.size > 0 && level <= this.#levels.count; level += 1) {
          const reachMs = this.#levels.reachMs(level, conditions);
          for (let head = lanes.peek(level); head !== undefined && head.deadlineMs - reachMs < nowMs; ) {
            taken.push(head);
            this.#pop(lanes, level, head.priority);
            head = lanes.peek(level);
          }
        }
      }
    }
    return taken;
  }

  /** The last moment at which `takeUnreachable` removes nothing; Infinity when empty. O(lanes). */
  reachableUntilMs(conditions: Conditions): number {
    let untilMs = Number.POSITIVE_INFINITY;
    for (const { together, alone } of this.#classes) {
      for (const lanes of [together, alone]) {
        for (let level = 0; lanes.size > 0 && level <= this.#levels.count; level += 1) {
          const head = lanes.peek(level);
          if (head !== undefined) untilMs = Math.min(untilMs, this.reachableMs(head, conditions));
        }
      }
    }
    return untilMs;
  }

  /** The last moment at which a query is not yet out of reach. */
  reachableMs(query: Q, conditions: Conditions): number {
    return query.deadlineMs - this.#levels.reachMs(this.levelOf(query), conditions);
  }

  /** The level of accuracy that it asks for. */
  levelOf(query: Q): number {
    return this.#levels.levelOf(query.minAccuracy);
  }

  /** See `AccuracyLevels.workOf`. */
  workOf(query: Q): number {
    return this.#levels.workOf(this.levelOf(query));
  }

  /** Whether some device class has a subnet for it. */
  isServable(query: Q): boolean {
    return this.levelOf(query) < this.#levels.count;
  }

  /** Removes the queries of one class and these levels with a deadline before that time, so many at most. O(lanes) for each. */
  takeBefore(deadlineMs: number, priority: PriorityClass, levels = allLevels, most = Number.POSITIVE_INFINITY): Q[] {
    const taken: Q[] = [];
    const waiting = this.#classes[priority];
    if (waiting === undefined) return taken;
    for (const lanes of [waiting.together, waiting.alone]) {
      for (let lane = lanes.mostUrgentWithin(levels); lane !== -1; lane = lanes.mostUrgentWithin(levels)) {
        const head = lanes.peek(lane);
        if (head === undefined || head.deadlineMs >= deadlineMs || taken.length >= most) break;
        taken.push(head);
        this.#pop(lanes, lane, priority);
      }
    }
    return taken;
  }

  /**
   * The deadlines in order, of one class and those above it: ask before the queue changes.
   *
   * @param levels those that ask for other levels of accuracy are left out
   */
  walk(levels = allLevels, leastPriority: PriorityClass = 0): UrgentWalk {
    const heaps: Keyed[] = [];
    for (const { together, alone } of this.#classes.slice(leastPriority)) {
      for (const lanes of [together, alone]) {
        if (lanes.size > 0) for (const heap of lanes.heapsWithin(levels)) heaps.push(...heap.keyed);
      }
    }
    this.#walk.over(heaps);
    return this.#walk;
  }

  #find({ mostLevel, byClass }: Scope, withAlone: boolean): Found<Q> | undefined {
    let found: Found<Q> | undefined;
    for (let c = this.#classes.length - 1; c >= 0; c -= 1) {
      const waiting = this.#classes[c];
      if (waiting === undefined) continue;
      found = moreUrgent(found, waiting.together, mostLevel);
      if (withAlone) found = moreUrgent(found, waiting.alone, mostLevel);
      if (byClass && found !== undefined) break;
    }
    return found;
  }

  #pop(lanes: Lanes<Q>, lane: number, priority: PriorityClass): void {
    const query = lanes.pop(lane);
    if (query !== undefined) this.#classes[priority]?.demand.remove(query, this.#levels.workOf(lane));
  }
}

interface Found<Q extends Query> {
  query: Q;
  lanes: Lanes<Q>;
  lane: number;
}

/** What was found, or the most urgent query of these lanes where that is more urgent. */
function moreUrgent<Q extends Query>(found: Found<Q> | undefined, lanes: Lanes<Q>, most: number): Found<Q> | undefined {
  const lane = lanes.size === 0 ? -1 : lanes.mostUrgentLane(most);
  // Deadlines lie together; to look at the queries themselves would be a walk through all of the memory.
  if (lane === -1 || (found !== undefined && found.lanes.deadlineMs(found.lane) < lanes.deadlineMs(lane))) return found;
  const query = lanes.peek(lane);
  return query === undefined || (found !== undefined && byDeadline(found.query, query) < 0)
    ? found
    : { query, lanes, lane };
}

function newClasses<Q extends Query>({ count }: AccuracyLevels): Waiting<Q>[] {
  // One lane more, for what no subnet satisfies.
  return priorityClasses.map(() => ({
    together: new Lanes<Q>(count + 1),
    alone: new Lanes<Q>(count + 1),
    demand: new Demand(),
  }));
}
