/** When the producers no longer felt a fault. */
import type { Query } from './evidence.js';

/** The system is itself again when a whole stretch of this length attains what is wanted. */
export const calmMs = 1_000;
/** At the end of a run a shorter stretch must do; a shorter one than this says nothing. */
const leastMs = 200;

/**
 * The time from `atMs` to the earliest moment at or after it from which `calmMs` of queries attain `wanted`.
 * @param queries in the order they were due
 * @returns 0 when the fault was not felt at all; null when the run ended before it was over
 */
export function recoveryMs(queries: readonly Query[], atMs: number, endMs: number, wanted: number): number | null {
  const after = queries.filter(({ dueMs }) => dueMs >= atMs);
  let fromMs = atMs;
  let first = 0;
  let last = 0;
  let missed = 0;
  while (fromMs + leastMs <= endMs) {
    for (; (after[last]?.dueMs ?? Number.POSITIVE_INFINITY) < fromMs + calmMs; last++) {
      if (after[last]?.outcome !== 'ok') missed++;
    }
    const count = last - first;
    const answered = count - missed;
    // However little was wanted: where everything is missed nothing goes on.
    if (answered >= wanted * count && (answered > 0 || count === 0)) return fromMs - atMs;
    // No earlier moment than behind the next miss can be calm.
    while (first < last && after[first]?.outcome === 'ok') first++;
    fromMs = after[first]?.dueMs ?? endMs;
    first++;
    missed--;
  }
  return null;
}
