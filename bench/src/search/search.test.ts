import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rateAt, rungOf } from './ladder.js';
import { type Asking, climb, edge } from './search.js';

/** A system that carries every rung up to one, and counts what it is asked. */
function carrying(highest: number, limit = Number.POSITIVE_INFINITY): Asking & { asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    passes: async (rung) => (asked.push(rung) > 0 && rung <= highest ? 'passed' : 'unsure'),
    isEnough: () => asked.length >= limit,
  };
}
const rungs = fc.integer({ min: -90, max: 30 });

describe('the ladder', () => {
  test('holds the rate of the goal, and rates 5 % apart in round numbers', () => {
    expect([rateAt(0), rateAt(1), rateAt(-1), rateAt(-69)]).toEqual([8_750, 9_190, 8_330, 302]);
  });

  test('a rate stands on its own rung', () => {
    fc.assert(fc.property(rungs, (rung) => rungOf(rateAt(rung)) === rung));
  });
});

describe('the climb', () => {
  test('ends within three rungs below where rates stop to pass, wherever it began, in a dozen probes or so', async () => {
    await fc.assert(
      fc.asyncProperty(rungs, rungs, async (highest, from) => {
        const asking = carrying(highest);
        const found = await climb(from, asking);
        expect(found).toBeLessThanOrEqual(highest);
        expect(highest - found).toBeLessThan(3);
        // Twice each that fails.
        expect(new Set(asking.asked).size).toBeLessThanOrEqual(4 + Math.abs(highest - from) / 6 + 8);
      }),
    );
  });

  test('asks again what failed: a system that was cold does not hold the search down', async () => {
    const asked: number[] = [];
    const cold: Asking = {
      isEnough: () => false,
      passes: async (rung) => (asked.push(rung) > 1 && rung <= 10 ? 'passed' : 'unsure'),
    };
    expect(await climb(0, cold)).toBeGreaterThan(7);
  });

  test('ends where nothing passes, and where the time is over', async () => {
    const hopeless = carrying(-1_000);
    expect(await climb(0, hopeless)).toBeLessThan(Math.min(...hopeless.asked));
    const short = carrying(30, 2);
    expect(await climb(0, short)).toBe(6);
    expect(short.asked).toEqual([0, 6]);
  });
});

describe('a round at the edge', () => {
  test('does not ask again what certainly failed', async () => {
    const asked: number[] = [];
    await edge(0, 1, { isEnough: () => false, passes: async (rung) => (asked.push(rung) > 1 ? 'passed' : 'failed') });
    expect(asked).toEqual([0, -2]);
  });

  test('asks again what is unsure, once', async () => {
    const asked: number[] = [];
    const unlucky: Asking = {
      isEnough: () => false,
      passes: async (rung) => (asked.push(rung) > 1 && rung <= 0 ? 'passed' : 'unsure'),
    };
    await edge(0, 1, unlucky);
    expect(asked).toEqual([0, 0]);
  });

  test('goes down by a rung more each time, and up again after a pass while it has rungs', async () => {
    const asking = carrying(-6);
    await edge(0, 6, asking);
    expect(asking.asked).toEqual([0, 0, -2, -2, -5, -5, -9, -7, -6]);
    const rising = carrying(30);
    await edge(0, 3, rising);
    expect(rising.asked).toEqual([0, 2, 4]);
  });

  test('finds the highest rung that passes from nearby, in few steps', async () => {
    await fc.assert(
      fc.asyncProperty(rungs, fc.integer({ min: -3, max: 3 }), async (highest, off) => {
        const asking = carrying(highest);
        await edge(highest + off, 9, asking);
        expect(asking.asked).toContain(highest);
        expect(asking.asked).toContain(highest + 1);
        expect(new Set(asking.asked).size).toBeLessThanOrEqual(6);
      }),
    );
  });

  test('has no more steps than it was given once one passed', async () => {
    await fc.assert(
      fc.asyncProperty(rungs, rungs, fc.integer({ min: 1, max: 4 }), async (highest, from, steps) => {
        const asking = carrying(highest);
        await edge(from, steps, asking);
        const tried = [...new Set(asking.asked)];
        const firstPassed = tried.findIndex((rung) => rung <= highest);
        expect(firstPassed).not.toBe(-1);
        expect(tried.length).toBeLessThanOrEqual(Math.max(steps, firstPassed + 1));
        expect(asking.asked.length).toBeLessThanOrEqual(2 * tried.length);
      }),
    );
  });

  test('ends without one when the time is over', async () => {
    const asking = carrying(-50, 3);
    await edge(0, 9, asking);
    expect(asking.asked).toEqual([0, 0, -2]);
  });
});
