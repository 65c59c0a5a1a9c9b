/**
 * Which queries to give up although one of them could just still be answered. Under overload the most urgent query is
 * always about to expire. It fits only a batch of one or two, those cost several times as much per query as full ones, the
 * queue falls behind further, and the next head is about to expire as well: a server in strict EDF order then carries a
 * third of what it could. So when a worker is free, the queries for which only such small batches are left are expired,
 * if serving them first would make others miss, and if the policy would then really carry more: the rule is the same for
 * every policy, and no policy loses by it.
 *
 * Nothing is given up before overload has shown (overload.ts). The lowest class goes first: a higher one is only looked at when none of the lower ones is in the way any more.
 */
import type { LatencyTable } from './latency-table.js';
import type { Conditions } from './policy.js';

/** A batch is only worth giving something up for when it takes so many times less per query. */
export const worthwhile = 1.1;
/** What is kept is given so many times what that batch takes: policies round down, and executors are not exact. */
const room = 1.1;
/** How far behind the most urgent query those are looked for that would miss. */
const lookAhead = 31;

/** What is waiting, of one class and those above it. */
export interface Backlog {
  readonly size: number;
  /** Deadline of the k-th most urgent query; Infinity beyond the last. */
  deadlineMsAt(k: number): number;
  /** No query has a later one. */
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

/** Queries with a deadline before this one are to be given up; -Infinity: none. O(batches + k log k) for k = `lookAhead`. */
export function shedBeforeMs(backlog: Backlog, service: Service): number {
  const { table, subnet, workers, conditions, startMs } = service;
  const paceMs = (b: number) => table.at(subnet, b) / (table.batches[b] ?? 1);
  const slackMs = (k: number) => slackUntil(backlog.deadlineMsAt(k), startMs, conditions);
  const headMs = slackMs(0);
  let fits = 0;
  while (fits + 1 < table.batches.length && table.at(subnet, fits + 1) <= headMs) fits += 1;
  for (let b = table.batches.length - 1; b > fits && worthwhile * paceMs(b) < paceMs(fits); b -= 1) {
    const batch = table.batches[b] ?? 1;
    const takesMs = room * table.at(subnet, b);
    // Enough must remain to fill that batch, or giving up the others gains nothing.
    const spare = backlog.size - batch;
    const fillsUntilMs = spare > lookAhead ? backlog.latestMs : backlog.deadlineMsAt(spare);
    if (spare <= 0 || slackUntil(fillsUntilMs, startMs, conditions) < takesMs) continue;
    const last = Math.min(lookAhead, backlog.size - 1);
    const restMs = ((last + 1 - (table.batches[fits] ?? 1)) * paceMs(b)) / workers;
    const busyMs = service.busyMs(backlog.deadlineMsAt(last));
    const isInTime = table.at(subnet, fits) + restMs + busyMs + takesMs <= slackMs(last);
    return isInTime ? Number.NEGATIVE_INFINITY : startMs + conditions.overheadMs + takesMs * conditions.slowdown;
  }
  return Number.NEGATIVE_INFINITY;
}

/** As policies reckon it (policy.ts). */
function slackUntil(deadlineMs: number, startMs: number, { overheadMs, reserveMs, slowdown }: Conditions): number {
  const leftMs = deadlineMs - startMs - overheadMs;
  return (leftMs - Math.min(reserveMs, leftMs / 2)) / slowdown;
}
