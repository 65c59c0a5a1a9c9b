import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planSoak } from './plan.js';

const asked = fc.record({
  minutes: fc.double({ min: 0.5, max: 120, noNaN: true }),
  seed: fc.integer(),
  everyMs: fc.integer({ min: 1_000, max: 20_000 }),
});

describe('the plan of a soak', () => {
  it('is the same for the same seed', () => {
    fc.assert(
      fc.property(asked, ({ minutes, seed, everyMs }) => {
        expect(planSoak(minutes, seed, everyMs, true)).toEqual(planSoak(minutes, seed, everyMs, true));
      }),
    );
  });

  it('never kills the broker in its second half, and every fault lies within its round', () => {
    fc.assert(
      fc.property(asked, ({ minutes, seed, everyMs }) => {
        const { rounds } = planSoak(minutes, seed, everyMs, true);
        for (const [index, { loadMs, ends, disturbances }] of rounds.entries()) {
          const killsBroker = ends.some(({ role }) => role === 'nats');
          expect(killsBroker && index >= rounds.length / 2).toBe(false);
          for (const { atMs } of [...ends, ...disturbances]) expect(atMs > 0 && atMs < loadMs).toBe(true);
        }
      }),
    );
  });

  it('takes the time that it was given', () => {
    fc.assert(
      fc.property(asked, ({ minutes, seed, everyMs }) => {
        const { warmUpMs, quietMs, rounds } = planSoak(minutes, seed, everyMs, true);
        const wholeMs = rounds.reduce((sum, { loadMs }) => sum + loadMs + quietMs, warmUpMs + quietMs);
        expect(wholeMs).toBeGreaterThan(minutes * 60_000 * 0.99);
        expect(wholeMs).toBeLessThan(minutes * 60_000 * 1.2 + 10_000);
      }),
    );
  });

  it('deals every kind of fault before any comes a second time', () => {
    const { rounds } = planSoak(10, 5, 4_000, true);
    const kinds = rounds
      .slice(0, rounds.length / 2)
      .flatMap(({ ends, disturbances }) => [...ends, ...disturbances])
      .map(({ kind, role, cut }) => JSON.stringify([kind, role, cut]));
    expect(new Set(kinds).size).toBe(26);
  });

  it('cuts no connection where none can be cut', () => {
    const { rounds } = planSoak(10, 5, 4_000, false);
    expect(rounds.flatMap(({ disturbances }) => disturbances).some(({ kind }) => kind === 'cut')).toBe(false);
  });
});
