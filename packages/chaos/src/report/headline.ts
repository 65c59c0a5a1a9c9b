/** A run in one line. */
import type { ChaosDocument } from './document.js';

/** More than this does not fit above a picture. */
const mostKinds = 2;

/** `4 × kill worker: attainment 0.9993, accuracy 80.3 to 79.1 %, nothing lost: pass`. */
export function headline({ faults, attainment, accuracyFirst, accuracyLast, lost, verdict }: ChaosDocument): string {
  const counts = new Map<string, number>();
  for (const { kind, role, error } of faults) {
    if (error === null) counts.set(`${kind} ${role}`, (counts.get(`${kind} ${role}`) ?? 0) + 1);
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const named = [...counts].map(([name, count]) => `${count} × ${name}`).join(', ') || 'no faults';
  const what = counts.size > mostKinds ? `${total} faults of ${counts.size} kinds` : named;
  const accuracy = `accuracy ${percent(accuracyFirst)} to ${percent(accuracyLast)} %`;
  return `${what}: attainment ${floored(attainment)}, ${accuracy}, ${lost === 0 ? 'nothing' : lost} lost: ${verdict}`;
}

const percent = (value: number): string => (100 * value).toFixed(2);

/** Rounded down: a miss must not look like none. */
export function floored(value: number, digits = 4): string {
  return (Math.floor(value * 10 ** digits + 1e-9) / 10 ** digits).toFixed(digits);
}
