/** The result of a run as one JSON document: the head of it are the metrics, by their names. */
import type { PlannedFault } from '../plan/plan.js';
import type { Evidence } from '../verdict/evidence.js';
import type { MeasuredFault } from '../verdict/measures.js';
import type { Metrics } from '../verdict/metrics.js';
import type { Verdict } from '../verdict/verdict.js';
import { type TimelineWindow, timelineOf } from './windows.js';

/** What a verdict does not know of its run. */
export interface RunFacts {
  readonly model: string;
  readonly preset: string | null;
  /** Command line that runs the same again. */
  readonly replay: string;
  readonly seed: number;
  readonly seconds: number;
  readonly sloMs: number;
  readonly policy: string | null;
  /** `emulated`: no answer was computed. */
  readonly executor: string;
  readonly storage: 'memory' | 'file';
  /** How many processes there were; null: a system that somebody else started. */
  readonly workers: number | null;
  readonly schedulers: number | null;
  readonly ingests: number | null;
  /** How the queries arrived. */
  readonly arrivals: string;
  /** How late the producer itself was: large where its machine was too busy to tell anything. */
  readonly sendLagMs: { readonly p99: number; readonly max: number };
  /** Why this rate, and what so many workers can bear: sentences. */
  readonly notes: readonly string[];
  /** A person ended it before its time. */
  readonly interrupted: boolean;
}

export interface ChaosDocument extends RunFacts, Metrics {
  readonly verdict: 'pass' | 'fail';
  readonly plan: readonly PlannedFault[];
  readonly faults: readonly FaultRow[];
  readonly invariants: Verdict['invariants'];
  readonly hypotheses: Verdict['hypotheses'];
  readonly witness: { readonly busyShare: number; readonly gaps: number; readonly unreadable: number };
  readonly windows: readonly TimelineWindow[];
}

/** Times in milliseconds: `atMs` and `wholeAtMs` from the load's start, the others from the fault. */
export interface FaultRow {
  readonly kind: string;
  readonly role: string;
  readonly victim: string | null;
  readonly led: boolean;
  readonly atMs: number;
  readonly wholeAtMs: number | null;
  readonly error: string | null;
  readonly held: number;
  readonly redispatched: number;
  readonly detectionMs: number | null;
  readonly redispatchMs: number | null;
  readonly servedMs: number | null;
  readonly recoveryMs: number | null;
  readonly attainmentBefore: number | null;
  readonly attainmentAfter: number | null;
  readonly accuracyBefore: number | null;
  readonly accuracyAfter: number | null;
}

export function documentOf(facts: RunFacts, evidence: Evidence, verdict: Verdict): ChaosDocument {
  const { busyShare, gaps, unreadable } = evidence.witnessed;
  return {
    ...verdict.metrics,
    verdict: verdict.verdict,
    hypotheses: verdict.hypotheses,
    invariants: verdict.invariants,
    ...facts,
    faults: verdict.faults.map(rowOf),
    witness: { busyShare: digits(busyShare, 4) ?? 0, gaps: gaps.length, unreadable },
    plan: evidence.plan,
    windows: timelineOf(evidence),
  };
}

function rowOf({ fault, before, after, ...reaction }: MeasuredFault): FaultRow {
  return {
    kind: fault.planned.kind,
    role: fault.planned.role,
    victim: fault.victim,
    led: fault.led,
    atMs: Math.round(fault.atMs),
    wholeAtMs: digits(fault.wholeAtMs, 0),
    error: fault.error,
    held: reaction.held,
    redispatched: reaction.redispatched,
    detectionMs: digits(reaction.detectionMs, 1),
    redispatchMs: digits(reaction.redispatchMs, 1),
    servedMs: digits(reaction.servedMs, 1),
    recoveryMs: digits(reaction.recoveryMs, 1),
    attainmentBefore: digits(before.attainment, 5),
    attainmentAfter: digits(after.attainment, 5),
    accuracyBefore: digits(before.accuracy, 5),
    accuracyAfter: digits(after.accuracy, 5),
  };
}

const digits = (value: number | null, count: number): number | null =>
  value === null ? null : Number(value.toFixed(count));
