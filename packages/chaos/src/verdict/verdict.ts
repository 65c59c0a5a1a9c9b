/** The verdict on a run: what always holds, and what this run was expected to show. */
import { accountOf } from './account.js';
import type { Evidence } from './evidence.js';
import { type Hypothesis, type Tested, test } from './hypothesis.js';
import type { Invariant } from './invariant.js';
import { invariantsOf } from './invariants.js';
import { type MeasuredFault, measured } from './measures.js';
import { type Metrics, metricsOf } from './metrics.js';

export interface Verdict {
  readonly verdict: 'pass' | 'fail';
  readonly metrics: Metrics;
  readonly faults: readonly MeasuredFault[];
  readonly invariants: readonly Invariant[];
  readonly hypotheses: readonly Tested[];
}

export function verdictOn(evidence: Evidence, hypotheses: readonly Hypothesis[]): Verdict {
  const account = accountOf(evidence);
  const faults = measured(evidence);
  const metrics = metricsOf(evidence, faults, account);
  const invariants = invariantsOf(evidence, account, faults);
  const tested = hypotheses.map((hypothesis) => test(hypothesis, metrics));
  const failed = [...invariants, ...tested].some(({ state }) => state === 'fail');
  return { verdict: failed ? 'fail' : 'pass', metrics, faults, invariants, hypotheses: tested };
}
