import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ArrivalPattern, gapsMs } from './arrivals.js';

const draws = 40_000;

function statistics(next: () => number): { mean: number; cv2: number } {
  const gaps = Array.from({ length: draws }, next);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / draws;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / (draws - 1);
  return { mean, cv2: variance / mean ** 2 };
}

// Seeded, so that a tolerance of about four standard errors never fails by chance on another day.
const seeded = { seed: 20, numRuns: 20 };

describe('gaps between arrivals', () => {
  it.each<[ArrivalPattern, (burstiness: number) => number]>([
    ['constant', () => 0],
    ['poisson', () => 1],
    ['gamma', (burstiness) => 1 / burstiness],
  ])('of the pattern %s have the mean and the CV² that were asked for', (pattern, cv2Of) => {
    const anyArrivals = fc.record({
      rate: fc.double({ min: 1, max: 20_000, noNaN: true }),
      burstiness: fc.double({ min: 0.2, max: 4, noNaN: true }),
      seed: fc.integer({ min: 1, max: 1_000_000 }),
    });
    fc.assert(
      fc.property(anyArrivals, ({ rate, burstiness, seed }) => {
        const { mean, cv2 } = statistics(gapsMs({ pattern, rate, burstiness, seed }));
        expect(Math.abs(mean * rate - 1_000)).toBeLessThan(50);
        expect(Math.abs(cv2 - cv2Of(burstiness))).toBeLessThanOrEqual(0.12 * cv2Of(burstiness) + 1e-9);
      }),
      seeded,
    );
  });

  it('are the same for the same seed and others for another', () => {
    const first = (seed: number) =>
      Array.from({ length: 10 }, gapsMs({ pattern: 'gamma', rate: 100, burstiness: 0.25, seed }));
    expect(first(7)).toEqual(first(7));
    expect(first(7)).not.toEqual(first(8));
  });
});
