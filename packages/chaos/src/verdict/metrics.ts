/** What a run comes to in numbers: what hypotheses are about, and the head of a report. */
import { type Account, accountOf } from './account.js';
import type { Evidence } from './evidence.js';
import { type MeasuredFault, type Spread, spreadOf } from './measures.js';
import { scoresIn } from './window.js';

export interface Metrics {
  /** Faults that were done, and those of them that killed. */
  readonly faultsDone: number;
  readonly killed: number;
  readonly published: number;
  /** Queries a second that were sent. */
  readonly rate: number;
  readonly accepted: number;
  readonly ok: number;
  readonly late: number;
  readonly expired: number;
  readonly failed: number;
  readonly refused: number;
  readonly unanswered: number;
  /** Answered in time, of all that were sent: refusals and silence count as missed. */
  readonly attainment: number;
  /** Mean of the answers in time, 0..1: over all, in the first and in the last part of the run, and the difference. */
  readonly accuracy: number;
  readonly accuracyFirst: number;
  readonly accuracyLast: number;
  readonly accuracyDrop: number;
  /** Accepted without an outcome; an outcome without being accepted. */
  readonly lost: number;
  readonly neverAccepted: number;
  readonly duplicatesVisible: number;
  readonly secondReplies: number;
  readonly dispatchedTwice: number;
  readonly executedTwice: number;
  /** From when a query was due to its answer. */
  readonly latencyMs: Spread | null;
  readonly detectionMs: Spread | null;
  readonly redispatchMs: Spread | null;
  readonly servedMs: Spread | null;
  readonly recoveryMs: Spread | null;
}

export function metricsOf(
  evidence: Evidence,
  measures: readonly MeasuredFault[],
  account: Account = accountOf(evidence),
): Metrics {
  const { queries, faults, seconds, phaseMs } = evidence;
  const endMs = seconds * 1_000;
  const done = faults.filter(({ error }) => error === null);
  const all = scoresIn(queries, { fromMs: 0, toMs: Number.POSITIVE_INFINITY });
  const accuracyFirst = scoresIn(queries, { fromMs: 0, toMs: phaseMs }).accuracy ?? 0;
  const accuracyLast = scoresIn(queries, { fromMs: endMs - phaseMs, toMs: Number.POSITIVE_INFINITY }).accuracy ?? 0;
  const { ok, late, expired, failed, refused, unanswered } = account.counts;
  return {
    faultsDone: done.length,
    killed: done.filter(({ planned }) => planned.kind === 'kill').length,
    published: account.published,
    rate: digits(account.published / seconds, 1),
    accepted: account.accepted,
    ...{ ok, late, expired, failed, refused, unanswered },
    attainment: digits(all.attainment ?? 0, 6),
    accuracy: digits(all.accuracy ?? 0, 6),
    accuracyFirst: digits(accuracyFirst, 6),
    accuracyLast: digits(accuracyLast, 6),
    accuracyDrop: digits(accuracyFirst - accuracyLast, 6),
    lost: account.lost,
    neverAccepted: account.neverAccepted.length,
    duplicatesVisible: account.duplicatesVisible,
    secondReplies: account.secondReplies,
    dispatchedTwice: account.dispatchedTwice,
    executedTwice: account.executedTwice,
    latencyMs: spreadOf(
      queries.map(({ outcome, endedMs, dueMs }) =>
        endedMs !== null && (outcome === 'ok' || outcome === 'late') ? endedMs - dueMs : null,
      ),
    ),
    detectionMs: spreadOf(measures.map((each) => each.detectionMs)),
    redispatchMs: spreadOf(measures.map((each) => each.redispatchMs)),
    servedMs: spreadOf(measures.map((each) => each.servedMs)),
    recoveryMs: spreadOf(measures.map((each) => each.recoveryMs)),
  };
}

const digits = (value: number, count: number): number => Number(value.toFixed(count));
