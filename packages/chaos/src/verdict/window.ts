/** Attainment and accuracy of the queries that were due in a stretch of time. */
import type { Query } from './evidence.js';

export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Scores extends Stretch {
  readonly queries: number;
  /** Answered in time, of all that were sent; null without queries. */
  readonly attainment: number | null;
  /** Mean over the answers in time, 0..1; null without any. */
  readonly accuracy: number | null;
}

export function scoresIn(queries: readonly Query[], { fromMs, toMs }: Stretch): Scores {
  let [count, ok, sum] = [0, 0, 0];
  for (const { dueMs, outcome, accuracy } of queries) {
    if (dueMs < fromMs || dueMs >= toMs) continue;
    count++;
    if (outcome !== 'ok') continue;
    ok++;
    sum += accuracy ?? 0;
  }
  const attainment = count === 0 ? null : ok / count;
  return { fromMs, toMs, queries: count, attainment, accuracy: ok === 0 ? null : sum / ok };
}

/** The scores of several stretches as if they were one. */
export function pooled(scores: readonly Scores[]): Pick<Scores, 'queries' | 'attainment' | 'accuracy'> {
  const queries = scores.reduce((sum, each) => sum + each.queries, 0);
  const ok = scores.reduce((sum, each) => sum + okOf(each), 0);
  const accuracy = scores.reduce((sum, each) => sum + okOf(each) * (each.accuracy ?? 0), 0);
  return { queries, attainment: queries === 0 ? null : ok / queries, accuracy: ok === 0 ? null : accuracy / ok };
}

const okOf = ({ queries, attainment }: Scores): number => queries * (attainment ?? 0);
