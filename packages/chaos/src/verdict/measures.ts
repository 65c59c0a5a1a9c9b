/** Each fault with all that is measured of it. */
import type { InjectedFault } from '../inject/injector.js';
import type { Evidence } from './evidence.js';
import { indexOf, type Reaction, reactionTo } from './reaction.js';
import { recoveryMs } from './recovery.js';
import { type Scores, scoresIn } from './window.js';

export interface MeasuredFault extends Reaction {
  readonly fault: InjectedFault;
  readonly recoveryMs: number | null;
  /** Up to five seconds before it, as far as no other fault reaches. */
  readonly before: Scores;
  /** From the limit of a query before it, because what it takes along was sent then, up to five seconds after it. */
  readonly after: Scores;
}

const windowMs = 5_000;
/** Attainment that counts as being whole; where there was less before the first fault, that much is enough. */
export const wantedAttainment = 0.99;

export function measured(evidence: Evidence): MeasuredFault[] {
  const index = indexOf(evidence);
  const { faults, queries, sloMs, seconds } = evidence;
  const endMs = seconds * 1_000;
  let baseline: number | undefined;
  return faults.map((fault) => {
    const edgeMs = fault.atMs - sloMs;
    // Faults that come together have their windows in common.
    const earlier = faults.filter(({ atMs }) => atMs < edgeMs).at(-1);
    const later = faults.find(({ atMs }) => atMs > fault.atMs + sloMs);
    const before = scoresIn(queries, { fromMs: Math.max(0, edgeMs - windowMs, earlier?.atMs ?? 0), toMs: edgeMs });
    const toMs = Math.min(endMs, fault.atMs + windowMs, later === undefined ? endMs : later.atMs - sloMs);
    const after = scoresIn(queries, { fromMs: edgeMs, toMs: Math.max(toMs, fault.atMs) });
    baseline ??= before.attainment ?? 1;
    const wanted = Math.min(wantedAttainment, baseline);
    return {
      fault,
      ...reactionTo(fault, index),
      recoveryMs: recoveryMs(queries, fault.atMs, endMs, wanted),
      before,
      after,
    };
  });
}

/** Of the faults of which it could be measured. */
export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly max: number;
}

/** By nearest rank; null without values. */
export function spreadOf(values: readonly (number | null)[]): Spread | null {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return sorted.length === 0 ? null : { count: sorted.length, p50: at(0.5), p90: at(0.9), max: at(1) };
}

const round = (ms: number) => Math.round(10 * ms) / 10;
