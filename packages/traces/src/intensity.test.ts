import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ramp, wave } from './intensity.js';

const rate = fc.double({ min: 0.5, max: 10_000, noNaN: true });
const time = fc.double({ min: 0, max: 100, noNaN: true });

/** Trapezoids: what the closed forms are held against. */
function integral(rateAt: (t: number) => number, to: number): number {
  const steps = 20_000;
  let sum = 0;
  for (let i = 0; i < steps; i++) sum += (rateAt((i / steps) * to) + rateAt(((i + 1) / steps) * to)) / 2;
  return (sum * to) / steps;
}

it('a ramp says when so many queries are due', () => {
  const tau = fc.double({ min: 0.01, max: 1_000, noNaN: true });
  fc.assert(
    fc.property(rate, rate, tau, time, time, (from, to, slope, at, t) => {
      const change = (s: number) => Math.min(Math.abs(to - from), Math.max(0, s - at) * slope);
      const queries = integral((s) => from + Math.sign(to - from) * change(s), t);
      const found = ramp({ from, to, tau: slope, at })(queries) / 1_000;
      expect(Math.abs(found - t)).toBeLessThan(2e-3 * Math.max(1, t));
    }),
    { seed: 1, numRuns: 100 },
  );
});

it('a wave says when so many queries are due', () => {
  const period = fc.double({ min: 1, max: 200, noNaN: true });
  fc.assert(
    fc.property(rate, fc.double({ min: 0, max: 1, noNaN: true }), period, time, (high, part, length, t) => {
      const low = high * part;
      const omega = (2 * Math.PI) / length;
      const queries = ((low + high) / 2) * t - ((high - low) / 2 / omega) * Math.sin(omega * t);
      const found = wave({ low, high, period: length })(queries) / 1_000;
      // Where the rate is next to nothing many times are right: they give the same number of queries.
      const again = ((low + high) / 2) * found - ((high - low) / 2 / omega) * Math.sin(omega * found);
      expect(Math.abs(again - queries)).toBeLessThan(1e-7 * Math.max(1, queries));
    }),
    { seed: 2, numRuns: 500 },
  );
});
