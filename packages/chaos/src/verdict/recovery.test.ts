import { describe, expect, it } from 'vitest';
import { soundRun, withQueries } from '../testing/sound-run.js';
import { recoveryMs } from './recovery.js';

const recovery = (missed: (dueMs: number) => boolean, atMs = 5_000, wanted = 0.99) => {
  const run = withQueries(soundRun(), ({ dueMs }) => (missed(dueMs) ? { outcome: 'late' } : undefined));
  return recoveryMs(run.queries, atMs, 10_000, wanted);
};

describe('recovery', () => {
  it('is at once where no fault was felt', () => {
    expect(recovery(() => false)).toBe(0);
    // One of a hundred is within what is wanted.
    expect(recovery((dueMs) => dueMs === 5_100)).toBe(0);
  });

  it('is the last miss of those that come together', () => {
    expect(recovery((dueMs) => dueMs >= 5_000 && dueMs <= 5_400)).toBeCloseTo(390, -2);
    expect(recovery((dueMs) => dueMs >= 5_000 && dueMs <= 5_400)).toBeLessThanOrEqual(400);
    expect(recovery((dueMs) => dueMs >= 5_300 && dueMs <= 5_900)).toBeGreaterThan(850);
  });

  it('does not count what was missed before, nor what is missed long after', () => {
    expect(recovery((dueMs) => dueMs < 5_000)).toBe(0);
    expect(recovery((dueMs) => (dueMs >= 5_000 && dueMs < 5_100) || dueMs > 8_000)).toBeLessThan(110);
  });

  it('is never where the run ends before it', () => {
    expect(recovery((dueMs) => dueMs >= 5_000)).toBeNull();
    expect(recovery((dueMs) => dueMs >= 5_000 && dueMs % 50 === 0)).toBeNull();
  });

  it('asks for no more than there was', () => {
    expect(recovery((dueMs) => dueMs % 50 === 0, 5_000, 0.8)).toBe(0);
    expect(recovery(() => true, 5_000, 0)).toBeNull();
  });
});
