/** The real thread: that nobody is woken early, and nobody forgotten, however the moments follow each other. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { threadEntry } from './create.js';
import { Holder } from './holder.js';
import { Holds, mostHolds } from './holds.js';

describe('a holder', () => {
  let holder: Holder;
  beforeAll(() => {
    holder = new Holder(threadEntry('hold-thread.js'));
  });
  afterAll(() => holder.close());

  /** What each wait was late by. */
  const held = (delaysMs: readonly number[]) =>
    Promise.all(
      delaysMs.map(async (delayMs) => {
        const untilMs = holder.now() + delayMs;
        await holder.until(untilMs);
        return holder.now() - untilMs;
      }),
    );

  it('wakes everybody, nobody before the moment', async () => {
    const delays = fc.array(fc.double({ min: -1, max: 3, noNaN: true }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(delays, async (delaysMs) => {
        expect(Math.min(...(await held(delaysMs)))).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 200 },
    );
  });

  it('forgets nobody while devices come and go without a pause', async () => {
    const device = async (seed: number) => {
      for (let i = 0; i < 300; i++) await holder.until(holder.now() + ((seed * 7 + i * 13) % 20) / 10);
    };
    await Promise.all(Array.from({ length: 8 }, (_, seed) => device(seed)));
  });

  it('is woken for a nearer moment than the one it sleeps until', async () => {
    let isLongOver = false;
    const long = holder.until(holder.now() + 60_000).then(() => {
      isLongOver = true;
    });
    await held([5]);
    expect(isLongOver).toBe(false);
    await holder.close();
    await long;
    holder = new Holder(threadEntry('hold-thread.js'));
  });

  it('refuses more at a time than there is room for', async () => {
    const crowded = new Holder(threadEntry('hold-thread.js'));
    const all = Array.from({ length: mostHolds }, () => crowded.until(crowded.now() + 60_000));
    expect(() => crowded.until(0)).toThrow(RangeError);
    await crowded.close();
    await Promise.all(all);
  });
});

describe('the moments that are shared', () => {
  it('wake the thread only where it would sleep too long', () => {
    const holds = new Holds();
    const wakesOf = (step: () => void) => {
      const before = holds.signal;
      step();
      return holds.signal - before;
    };
    expect(wakesOf(() => holds.take(0, 10))).toBe(1);
    expect(wakesOf(() => holds.take(1, 20))).toBe(0);
    expect(wakesOf(() => holds.take(2, 5))).toBe(1);
    expect(holds.due(5)).toEqual([2]);
    expect(wakesOf(() => holds.take(2, 15))).toBe(0);
    expect(holds.due(20)).toEqual([0, 1, 2]);
    expect(holds.due(20)).toEqual([]);
    expect(wakesOf(() => holds.take(0, 30))).toBe(1);
  });
});
