/**
 * BudgetFit: batches fitted to the slack, subnets fitted to the work that the traffic leaves per query.
 *
 * SlackFit looks at the slack of the most urgent query alone. It reaches for the most accurate subnet whenever a query is
 * fresh, also when the traffic is about to need that worker, and pays with its least accurate ones a moment later. What
 * it cannot see is known: how fast queries arrive, how many wait, and until when. BudgetFit uses these:
 *
 * - Work budget: worker time that there is per arriving query, from the arrival rate and what the pool can carry.
 * - Frontier: a time mixture of two subnets beats any subnet below the line that joins them, so only subnets on the
 *   concave hull of (latency of the largest batch, accuracy) are run.
 * - Reach: at most one step of the frontier above what the budget carries in full batches. That step is where traffic
 *   between two subnets' rates is mixed; any higher one would have to be paid back with a step further down.
 * - Batches: the largest that fits the slack. One that leaves queries behind for want of slack must cost less per query
 *   the more it leaves: from half as much again as the budget down to half of it. So a queue that grows is always answered
 *   with more throughput, and a few queries less are still rather accepted than a less accurate subnet.
 * - Bursts: where traffic has taken a good part of the pool for some time, a step above the smallest subnet leaves slack for what
 *   comes when it suddenly doubles: the more of the time of a few full batches of the smallest, the more is taken, but no more than a
 *   fresh query has beside a full batch of the step. It costs little accuracy, as how much of each step is run follows from the traffic;
 *   it moves where the queue settles. A burst that is the first traffic there is uses all of its slack, as it may end.
 * - Backlog: what stays behind must be done by its last deadline by a mixture of the same subnet and the smallest.
 * - Shared cores: where bus and queues take a good part of a batch's time, worker time is not all that is short, and a subnet
 *   is run only if a full batch of it would fit the slack, and if workers that run it would not wait for cores for too much of
 *   their time: the more they infer, the longer all that carries messages waits, and they for it.
 *
 * Where nothing on the frontier passes, the smallest subnet takes the largest batch that fits, without the reserve if that
 * is what would leave queries behind: throughput is what counts then, and batches that are cut to keep something back let
 * the queue grow.
 *
 * O(frontier x log batch) per decision; the frontier is found once per table.
 */

import type { LatencyTable } from '../latency-table.js';
import {
  changeMs,
  type Decision,
  type DecisionView,
  mostUrgent,
  type Policy,
  type QueueView,
  slackMs,
  withoutReserve,
} from '../policy.js';
import { ArrivalRate } from './arrival-rate.js';

/** What a batch of next to none of what waits may cost per query, in budgets; one of nearly all may cost 1 more. */
const leastShare = 0.5;
/** Share of the slack that a choice may take: batches that are cut to size would end at the deadline by construction. */
const usable = 0.975;

/** Full batches of the smallest subnet that there is to be slack for when a burst comes, at a lasting load of all that the pool carries. */
const burstBatches = 5;
/** Lasting load from which on there is to be any: what doubles below it can be carried. */
const burstsFrom = 0.4;
/** Of the memory of the rate: how long traffic must be there to have lasted. */
const lastingMemories = 5;

/** Overhead and reserve above this share of the longest batch say that workers share their cores with the bus. */
const sharedAbove = 0.2;
/** Share of workers' time that may go by while their inference waits for cores that others have. */
const mostContention = 0.25;

/** What is worth running of a table. */
interface Frontier {
  /** Indices of subnets, ascending; the first is the smallest subnet. */
  subnets: Int32Array;
  /** Work per query of each in the table's largest batch, in milliseconds. */
  workMs: Float64Array;
  /** Latency of every batch size from 1: that of subnet s at k is `latencyMs[s * largest + k - 1]`. */
  latencyMs: Float64Array;
  largest: number;
}

/** Of one model: what arrives, in queries that any subnet would do for, and how many of those the pool carries. */
interface Traffic {
  readonly rate: ArrivalRate;
  /** Of a longer time, and from nothing on. */
  readonly lastingRate: ArrivalRate;
  capacityPerMs: number;
}

/** Shares of the pool that the arriving queries of all models of the worker would need on their least subnets. */
interface Load {
  /** Above 0. */
  readonly now: number;
  readonly lasting: number;
}

export class BudgetFit implements Policy {
  readonly name = 'budgetfit';
  readonly #frontiers = new WeakMap<LatencyTable, Frontier>();
  /** By model. */
  readonly #traffic = new Map<string, Traffic>();

  decide(view: DecisionView): Decision {
    const queue = mostUrgent(view);
    const frontier = this.#frontierOf(queue.table);
    const load = this.#load(view, frontier);
    const budgetMs = smallestWorkMs(frontier) / load.now;
    const plainMs = usable * slackMs(view, queue);
    const isShared = view.conditions.overheadMs + view.conditions.reserveMs > sharedAbove * longestMs(frontier);
    const mostWorkMs = isShared ? uncontendedMs(budgetMs, view.conditions.slowdown) : Number.POSITIVE_INFINITY;
    for (let i = reach(frontier, budgetMs); i > 0; i -= 1) {
      const subnet = frontier.subnets[i] ?? 0;
      if (subnet < queue.leastSubnet) break;
      if ((frontier.workMs[i] ?? 0) > mostWorkMs) continue;
      const waiting = Math.min(queue.runnableOn(subnet), frontier.largest);
      const change = changeMs(queue, subnet);
      const fullMs = latency(frontier, subnet, frontier.largest) + change;
      const slack = usable * slackMs(view, queue, keptMs(view, queue, frontier, fullMs, load.lasting));
      const batch = largestBatch(frontier, subnet, slack - change, waiting);
      if (batch === 0 || (isShared && fullMs > plainMs)) continue;
      const costMs = latency(frontier, subnet, batch) + change;
      if ((batch < waiting || change > 0) && costMs > budgetMs * (leastShare + batch / waiting) * batch) continue;
      if (!drains(view, queue, frontier, i, costMs, queue.size - batch)) continue;
      return { kind: 'run', model: queue.model, batch, subnet };
    }
    const kept = leastAccurate(queue, frontier, slackMs(view, queue));
    const leavesBehind = kept.batch < Math.min(queue.runnableOn(kept.subnet), frontier.largest);
    return leavesBehind ? leastAccurate(queue, frontier, slackMs(withoutReserve(view), queue)) : kept;
  }

  #load(view: DecisionView, frontier: Frontier): Load {
    for (const queue of view.queues) {
      const traffic = this.#traffic.get(queue.model) ?? newTraffic(queue, frontier, view.nowMs);
      this.#traffic.set(queue.model, traffic);
      traffic.rate.observe(queue.workArrived, view.nowMs);
      traffic.lastingRate.observe(queue.workArrived, view.nowMs);
      traffic.capacityPerMs = queue.capacityPerMs;
    }
    let now = 0;
    let lasting = 0;
    for (const model of view.worker.models) {
      const traffic = this.#traffic.get(model);
      if (traffic === undefined || traffic.capacityPerMs <= 0) continue;
      now += traffic.rate.perMs(view.nowMs) / traffic.capacityPerMs;
      lasting += traffic.lastingRate.perMs(view.nowMs) / traffic.capacityPerMs;
    }
    return { now: Math.max(now, Number.EPSILON), lasting };
  }

  #frontierOf(table: LatencyTable): Frontier {
    let frontier = this.#frontiers.get(table);
    if (frontier === undefined) {
      frontier = frontierOf(table);
      this.#frontiers.set(table, frontier);
    }
    return frontier;
  }
}

function newTraffic({ capacityPerMs }: QueueView, frontier: Frontier, nowMs: number): Traffic {
  // Until traffic has shown what it is, it is reckoned as what the frontier's second subnet can just not carry.
  const knee = frontier.workMs[Math.min(1, frontier.workMs.length - 1)] ?? 1;
  const guess = capacityPerMs * (smallestWorkMs(frontier) / knee) * 1.1;
  const memoryMs = memoryOf(frontier);
  return {
    rate: new ArrivalRate(memoryMs, guess, nowMs),
    lastingRate: new ArrivalRate(lastingMemories * memoryMs, 0, nowMs, 1),
    capacityPerMs: 0,
  };
}

function frontierOf(table: LatencyTable): Frontier {
  const largest = table.largestBatch;
  const latencyMs = new Float64Array(table.subnets.length * largest);
  table.subnets.forEach((_, s) => {
    for (let k = 1; k <= largest; k += 1) latencyMs[s * largest + k - 1] = table.estimate(s, k);
  });
  const subnets = Int32Array.from(concaveHull(table));
  const workMs = Float64Array.from(subnets, (s) => table.estimate(s, largest) / largest);
  return { subnets, workMs, latencyMs, largest };
}

/** Subnets above every line that joins two others, by latency of the largest batch; ascending. */
function concaveHull(table: LatencyTable): number[] {
  const cost = (s: number) => table.at(s, table.batches.length - 1);
  const gain = (s: number) => table.subnets[s]?.accuracy ?? 0;
  const hull: number[] = [];
  for (let s = 0; s < table.subnets.length; s += 1) {
    // Of those that take equally long the last is the most accurate.
    while (hull.length > 0 && cost(hull.at(-1) ?? 0) >= cost(s)) hull.pop();
    while (hull.length > 1) {
      const [from = 0, middle = 0] = hull.slice(-2);
      const isAbove =
        (gain(middle) - gain(from)) * (cost(s) - cost(from)) > (gain(s) - gain(from)) * (cost(middle) - cost(from));
      if (isAbove) break;
      hull.pop();
    }
    hull.push(s);
  }
  return hull;
}

function smallestWorkMs({ workMs }: Frontier): number {
  return workMs[0] ?? 0;
}

/** Index in the frontier of the most accurate subnet that may be run: one step above what the budget carries. */
function reach({ workMs }: Frontier, budgetMs: number): number {
  const last = workMs.length - 1;
  let i = 1;
  while (i < last && (workMs[i] ?? 0) <= budgetMs) i += 1;
  return Math.min(i, last);
}

/**
 * The most work per query with which workers on shared cores wait for those no longer than they may: inference that takes `slowdown`
 * times its profile waits for `slowdown - 1` of it, out of `slowdown` budgets that there are of time per query.
 */
function uncontendedMs(budgetMs: number, slowdown: number): number {
  return (mostContention * slowdown * budgetMs) / (slowdown - 1);
}

/**
 * What a step above the smallest subnet leaves of the slack: the reserve, or what a burst will need where that is more. The
 * latter is for a query that has just come no more than it has beside a full batch of the step.
 *
 * @param fullMs of that batch, what it takes to change to the subnet included
 * @param load the lasting one
 */
function keptMs(view: DecisionView, queue: QueueView, frontier: Frontier, fullMs: number, load: number): number {
  const { largest, subnets } = frontier;
  const { overheadMs, reserveMs, slowdown } = view.conditions;
  const loaded = Math.max(0, Math.min(1, load) - burstsFrom) / (1 - burstsFrom);
  const burstMs = slowdown * burstBatches * loaded * latency(frontier, subnets[0] ?? 0, largest);
  const latestMs = Math.min(queue.latestDeadlineMs, view.nowMs + queue.sloMs);
  const freshMs = usable * (latestMs - view.startMs - overheadMs);
  return Math.max(reserveMs, Math.min(burstMs, freshMs - slowdown * fullMs));
}

function latency({ latencyMs, largest }: Frontier, subnet: number, batch: number): number {
  return latencyMs[subnet * largest + batch - 1] ?? Number.POSITIVE_INFINITY;
}

/** The largest batch of at most `most` queries that takes at most `limitMs`; 0: none. Latency ascends with the batch. */
function largestBatch(frontier: Frontier, subnet: number, limitMs: number, most: number): number {
  let low = 0;
  let high = most;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (latency(frontier, subnet, middle) <= limitMs) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * Whether `rest` queries would be done by the last deadline known if the whole pool ran half of them on that step of the
 * frontier and half on the smallest subnet: steps are mixed, and what must be possible is some mixture, not this step for all.
 */
function drains(
  view: DecisionView,
  queue: QueueView,
  frontier: Frontier,
  step: number,
  costMs: number,
  rest: number,
): boolean {
  if (rest <= 0) return true;
  const ratio = (frontier.workMs[step] ?? 0) / smallestWorkMs(frontier);
  const restMs = (rest * (1 + ratio)) / 2 / queue.capacityPerMs / view.conditions.slowdown;
  return costMs + restMs <= slackMs(view, { ...queue, headDeadlineMs: queue.latestDeadlineMs });
}

/**
 * The least accurate subnet that the head accepts, or the one that is actuated where that answers more queries for the time it
 * takes: changing can cost more than the smaller subnet saves.
 */
function leastAccurate(queue: QueueView, frontier: Frontier, slack: number): Decision & { kind: 'run' } {
  const { model, leastSubnet, actuated } = queue;
  const on = (subnet: number) => {
    const waiting = Math.min(queue.runnableOn(subnet), frontier.largest);
    const change = changeMs(queue, subnet);
    const batch = largestBatch(frontier, subnet, slack - change, waiting);
    return { subnet, batch, perMs: batch / (latency(frontier, subnet, Math.max(1, batch)) + change) };
  };
  const least = on(leastSubnet);
  const stay = actuated > leastSubnet && changeMs(queue, leastSubnet) > 0 ? on(actuated) : least;
  const { subnet, batch } = stay.perMs > least.perMs ? stay : least;
  return { kind: 'run', model, batch: Math.max(1, batch), subnet };
}

/** How far back arrivals count, in milliseconds: a few times what the longest batch takes, as long as decisions bind. */
function memoryOf(frontier: Frontier): number {
  return 2 * longestMs(frontier);
}

/** Latency of the most accurate subnet in the largest batch. */
function longestMs({ latencyMs }: Frontier): number {
  return latencyMs.at(-1) ?? 1;
}
