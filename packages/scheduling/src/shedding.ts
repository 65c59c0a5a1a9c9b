/**
 * Which queries to give up although one of them could just still be answered. Under overload the most urgent query is
 * always about to expire. It fits only a batch of one or two, those cost several times as much per query as full ones, the
 * queue falls behind further, and the next head is about to expire as well: a server in strict EDF order then carries a
 * third of what it could. And where a full batch still fits, it only just does: whatever holds it up makes all of it late, which
 * costs as much as what is in time, and holds up the next. So when a worker is free, queries for which only such batches are left are
 * expired, if serving them first would make others miss, and if the policy would then really carry more, or as much with room to
 * spare where now it uses the reserve up: the rule is the same for every policy.
 *
 * What is given up so that others have room is lost once for each time of overload; too little room costs for as long as it lasts.
 *
 * Nothing is given up before overload has shown (overload.ts). The lowest class goes first: a higher one is only looked at when none
 * of the lower ones is in the way any more.
 */
import type { LatencyTable } from './latency-table.js';
import { type Conditions, leadMs, slackUntilMs } from './policy.js';

/** A batch is only worth giving something up for when it takes so many times less per query. */
export const worthwhile = 1.1;
/**
 * What is kept is given so many times what that batch takes: policies round down, executors are not exact, and at a peak the bus is
 * slower from one moment to the next. A batch with less is barely in time.
 */
export const room = 1.4;
/**
 * No more is given up at once than this part of what waits, nor what is due beyond this part of the time until the last deadline: where
 * that is not enough, it is not the backlog that is in the way.
 */
export const mostGivenUp = 0.5;
/** How far behind the most urgent query those are looked for that would miss. */
const lookAhead = 31;

/** What waits of one class and those above it, for the same subnet. */
export interface UrgentQueue {
  readonly size: number;
  /** Deadline of the k-th most urgent query; Infinity beyond the last. */
  deadlineMsAt(k: number): number;
  /** Hardly any has a later one. */
  readonly latestMs: number;
}

/** Where it would be served. */
export interface Service {
  readonly table: LatencyTable;
  /** The least subnet that may be used for it. */
  readonly subnet: number;
  /** Workers that take batches, as many of this device class as carry what all of them do. */
  readonly workers: number;
  readonly conditions: Conditions;
  /** When a worker can begin, less the way of the command. */
  readonly startMs: number;
  /** How long the workers are busy with queries of other models whose deadline lies before that. */
  busyMs(deadlineMs: number): number;
}

/**
 * Queries with a deadline before this one are to be given up; -Infinity: none. O(k log k) for k = `lookAhead`, and the policy is asked
 * for at most two deadlines for each batch size.
 *
 * @param paceAfterMs what a query would take by the policy's choice if the most urgent deadline were that one; Infinity: nothing is
 *   gained by it
 */
export function shedBeforeMs(
  waiting: UrgentQueue,
  service: Service,
  paceAfterMs: (deadlineMs: number) => number,
): number {
  const { table, subnet, workers, conditions, startMs } = service;
  const withoutReserve = { ...conditions, reserveMs: 0 };
  const paceMs = (b: number) => table.at(subnet, b) / (table.batches[b] ?? 1);
  const largest = table.batches.length - 1;
  const headMs = waiting.deadlineMsAt(0);
  const fits = largestWithin(slackUntilMs(headMs, startMs, conditions), service);
  if (fits === largest) return Number.NEGATIVE_INFINITY;
  const barelyFits = largestWithin(slackUntilMs(headMs, startMs, withoutReserve), service);
  const urgentMs = urgentOf(waiting);
  const lastMs = urgentMs.at(-1) ?? headMs;
  const restMs = (Math.max(0, urgentMs.length - (table.batches[fits] ?? 1)) * paceMs(largest)) / workers;
  const untilThenMs = table.at(subnet, fits) + restMs + service.busyMs(lastMs);
  const mostMs = headMs + mostGivenUp * (waiting.latestMs - headMs);
  for (let b = largest; b > fits; b -= 1) {
    const spare = waiting.size - (table.batches[b] ?? 1);
    if (spare <= 0 || (b > barelyFits && worthwhile * paceMs(b) >= paceMs(fits))) continue;
    const takesMs = room * table.at(subnet, b);
    const fillsUntilMs = urgentMs[spare] ?? waiting.latestMs;
    let limitMs = Number.NEGATIVE_INFINITY;
    let leastMs = Number.POSITIVE_INFINITY;
    // A policy that leaves the reserve out for such a batch needs less.
    for (const each of conditions.reserveMs > 0 ? [withoutReserve, conditions] : [conditions]) {
      const slackMs = (deadlineMs: number) => slackUntilMs(deadlineMs, startMs, each);
      // Enough must remain to fill that batch, and others must miss, or giving these up gains nothing.
      if (slackMs(fillsUntilMs) < takesMs || untilThenMs + takesMs <= slackMs(lastMs)) continue;
      const eachMs = startMs + leadMs(takesMs, each);
      if (eachMs <= headMs || eachMs > mostMs) continue;
      const thenMs = paceAfterMs(eachMs);
      if (worthwhile * thenMs < leastMs) [limitMs, leastMs] = [eachMs, thenMs];
    }
    if (limitMs > headMs) return limitMs;
  }
  return Number.NEGATIVE_INFINITY;
}

/** The deadlines within `lookAhead`. All at once: the policy, when it is asked, may look at the same queue. */
function urgentOf(waiting: UrgentQueue): number[] {
  const urgentMs: number[] = [];
  for (let k = 0; k <= Math.min(lookAhead, waiting.size - 1); k += 1) {
    const deadlineMs = waiting.deadlineMsAt(k);
    if (deadlineMs === Number.POSITIVE_INFINITY) break;
    urgentMs.push(deadlineMs);
  }
  return urgentMs;
}

/** Index of the largest batch that takes no longer; 0 where none does. */
function largestWithin(slackMs: number, { table, subnet }: Service): number {
  let largest = 0;
  while (largest + 1 < table.batches.length && table.at(subnet, largest + 1) <= slackMs) largest += 1;
  return largest;
}
