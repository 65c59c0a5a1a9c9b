/** What became of the queries of one phase, from the records of a load: pure. */
import { type RecordedOutcome, type Records, recordedOutcomes } from '@slackline/load';
import type { Span } from '@slackline/traces';

export interface PhaseResult {
  readonly name: string;
  readonly queries: number;
  readonly seconds: number;
  /** Answers in time a second, of the queries that were due in the phase. */
  readonly goodput: number;
  readonly outcomes: Readonly<Record<RecordedOutcome, number>>;
  /** Mean profiled accuracy of the answers in time, 0..1. */
  readonly accuracy: number;
  /** Answered in time, of each priority class. */
  readonly attainment: { readonly low: number; readonly normal: number; readonly high: number };
  /**
   * Milliseconds from the deadline, by the producer's clock (its sending and the limit), until a query that was refused or
   * expired was told so. Negative: before the deadline.
   */
  readonly told: { readonly count: number; readonly p50: number; readonly p99: number; readonly max: number };
  /** Of them, told more than 50 ms after the deadline. */
  readonly toldTooLate: number;
  /** From sending a query to being told that it is refused, in milliseconds. */
  readonly refusalMs: { readonly p50: number; readonly p99: number };
}

/** What a refusal or an expiry may take beyond the deadline. */
export const toldWithinMs = 50;

const codeOf = (outcome: RecordedOutcome) => recordedOutcomes.indexOf(outcome);
const ok = codeOf('ok');
const classes = ['low', 'normal', 'high'] as const;

export function measured(records: Records, { name, fromMs, toMs, seconds }: Span, sloMs: number): PhaseResult {
  const queries = [...records.dueMs.keys()].filter(
    (i) => at(records.dueMs, i) >= fromMs && at(records.dueMs, i) < toMs,
  );
  const outcomeOf = (i: number) => at(records.outcome, i);
  const inTime = queries.filter((i) => outcomeOf(i) === ok);
  const dropped = queries.filter((i) => outcomeOf(i) === codeOf('refused') || outcomeOf(i) === codeOf('expired'));
  const told = sorted(dropped.map((i) => at(records.endedMs, i) - at(records.sentMs, i) - sloMs));
  const refused = dropped.filter((i) => outcomeOf(i) === codeOf('refused'));
  const refusalMs = sorted(refused.map((i) => at(records.endedMs, i) - at(records.sentMs, i)));
  const attained = (priority: number) => {
    const all = queries.filter((i) => at(records.priority, i) === priority);
    return all.length === 0 ? 1 : all.filter((i) => outcomeOf(i) === ok).length / all.length;
  };
  const [low = 1, normal = 1, high = 1] = classes.map((_, priority) => attained(priority));
  const accuracySum = inTime.reduce((sum, i) => sum + (records.subnets[at(records.subnet, i)]?.accuracy ?? 0), 0);
  return {
    ...{ name, seconds, queries: queries.length, goodput: inTime.length / seconds },
    outcomes: countsOf(queries.map(outcomeOf)),
    accuracy: accuracySum / Math.max(1, inTime.length),
    attainment: { low, normal, high },
    told: { count: told.length, p50: quantile(told, 0.5), p99: quantile(told, 0.99), max: told.at(-1) ?? 0 },
    toldTooLate: told.filter((ms) => ms > toldWithinMs).length,
    refusalMs: { p50: quantile(refusalMs, 0.5), p99: quantile(refusalMs, 0.99) },
  };
}

/**
 * Milliseconds from the end of an overload until the system was itself again: until the last query was due that was not
 * answered in time. 0 when all were.
 */
export function recoveryMs(records: Records, after: Span): number {
  let lastMs = after.fromMs;
  for (const [i, dueMs] of records.dueMs.entries()) {
    if (dueMs >= after.fromMs && dueMs < after.toMs && at(records.outcome, i) !== ok) lastMs = dueMs;
  }
  return lastMs - after.fromMs;
}

export interface Moment {
  /** From the load's start, the middle of a window. */
  readonly atMs: number;
  /** A second. */
  readonly offered: number;
  readonly goodput: number;
  readonly refused: number;
  readonly expired: number;
  /** Undefined where nothing was answered in time. */
  readonly accuracy: number | undefined;
}

/** The load over time, by when queries were due. */
export function momentsOf(records: Records, windowMs: number): Moment[] {
  const windows: { offered: number; ok: number; refused: number; expired: number; accuracySum: number }[] = [];
  for (const [i, dueMs] of records.dueMs.entries()) {
    const index = Math.floor(dueMs / windowMs);
    while (windows.length <= index) windows.push({ offered: 0, ok: 0, refused: 0, expired: 0, accuracySum: 0 });
    const window = windows[index];
    if (window === undefined) continue;
    const outcome = recordedOutcomes[at(records.outcome, i)];
    window.offered += 1;
    if (outcome === 'refused' || outcome === 'expired') window[outcome] += 1;
    if (outcome !== 'ok') continue;
    window.ok += 1;
    window.accuracySum += records.subnets[at(records.subnet, i)]?.accuracy ?? 0;
  }
  const perSecond = 1_000 / windowMs;
  return windows.map(({ offered, ok: answered, refused, expired, accuracySum }, index) => ({
    atMs: (index + 0.5) * windowMs,
    offered: offered * perSecond,
    goodput: answered * perSecond,
    refused: refused * perSecond,
    expired: expired * perSecond,
    accuracy: answered === 0 ? undefined : accuracySum / answered,
  }));
}

function countsOf(outcomes: readonly number[]): Record<RecordedOutcome, number> {
  const counts = { unanswered: 0, ok: 0, late: 0, expired: 0, failed: 0, refused: 0 };
  for (const outcome of outcomes) {
    const name = recordedOutcomes[outcome];
    if (name !== undefined) counts[name] += 1;
  }
  return counts;
}

const at = (column: { readonly [index: number]: number }, index: number): number => column[index] ?? Number.NaN;
const sorted = (values: number[]) => values.sort((a, b) => a - b);
const quantile = (ascending: readonly number[], share: number) =>
  ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))] ?? 0;
