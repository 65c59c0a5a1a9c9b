/** All that a verdict is passed on: what was done, what the producer saw, what the witness saw, what the stream says. */
import { type RecordedOutcome, type Records, type Repeat, recordedOutcomes } from '@slackline/load';
import type { InjectedFault } from '../inject/injector.js';
import type { PlannedFault } from '../plan/plan.js';
import type { Witnessed } from '../witness/witnessed.js';

/** One query's life, as its producer saw it. Times in milliseconds from the load's start. */
export interface Query {
  /** On the bus. */
  readonly id: string;
  /** When it was due; its latency counts from there. */
  readonly dueMs: number;
  /** When its end came; null: nothing did. */
  readonly endedMs: number | null;
  readonly outcome: RecordedOutcome;
  /** Of the subnet that answered it, 0..1; null without an answer. */
  readonly accuracy: number | null;
  /** How often its producer was told an end. */
  readonly replies: number;
}

export interface Evidence {
  /** Of the load. */
  readonly seconds: number;
  readonly sloMs: number;
  /** What counts as the first and the last part of the run. */
  readonly phaseMs: number;
  readonly plan: readonly PlannedFault[];
  readonly faults: readonly InjectedFault[];
  /** In the order they were due. */
  readonly queries: readonly Query[];
  /** Second answers that came over the wire, and that our client dropped. */
  readonly repeats: readonly Repeat[];
  /** When the producer had no connection; NaN: until the end. */
  readonly gaps: Records['gaps'];
  /** By the load's clock. */
  readonly witnessed: Witnessed;
  /** What QUERIES and CLAIMS have stored since the load began, and still hold; null where the broker forgot it. */
  readonly stream: { readonly stored: number | null; readonly left: number | null };
  /** Accuracy of the least accurate subnet, 0..1: below it nothing can bend. */
  readonly floorAccuracy: number;
}

/** The rows of a load's records. */
export function queriesOf(records: Records): Query[] {
  return Array.from(records.dueMs, (dueMs, i) => {
    const endedMs = records.endedMs[i] ?? Number.NaN;
    return {
      id: records.ids[i] ?? '',
      dueMs,
      endedMs: Number.isNaN(endedMs) ? null : endedMs,
      outcome: recordedOutcomes[records.outcome[i] ?? 0] ?? 'unanswered',
      accuracy: records.subnets[records.subnet[i] ?? -1]?.accuracy ?? null,
      replies: records.replies[i] ?? 0,
    };
  });
}
