import { expect, it } from 'vitest';
import { generate } from './generate.js';
import { countsPer, ratesOf, summarize } from './summary.js';

const trace = { name: 'by hand', arrivalsMs: Float64Array.from([0, 100, 200, 1_100, 2_900, 3_100]), durationMs: 3_500 };

it('counts in whole windows and leaves the last part out', () => {
  expect([...countsPer(trace, 1_000)]).toEqual([3, 1, 1]);
  expect([...ratesOf(trace, 500)]).toEqual([6, 0, 2, 0, 0, 2, 2]);
});

it('says how much comes and how unevenly', () => {
  const gaps = [100, 100, 900, 1_800, 200];
  const mean = 620;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / 4;
  expect(summarize(trace)).toMatchObject({
    queries: 6,
    seconds: 3.5,
    meanRate: 6 / 3.5,
    peakRate: 3,
    peakOverMean: 1.75,
  });
  expect(summarize(trace).gapCv2).toBeCloseTo(variance / mean ** 2, 12);
  const steady = summarize(generate({ kind: 'constant', rate: 100, seconds: 20 }));
  expect(steady.dispersion).toEqual([10, 100, 1_000].map((windowMs) => ({ windowMs, index: 0 })));
});

it('has numbers for nothing too', () => {
  const empty = { name: 'empty', arrivalsMs: new Float64Array(), durationMs: 100 };
  expect(summarize(empty)).toEqual({
    ...{ queries: 0, seconds: 0.1, meanRate: 0, peakRate: 0, peakOverMean: null, gapCv2: null, dispersion: [] },
  });
});

it('of a long trace with few queries takes no memory for the windows without any', () => {
  // Billions of windows of 10 ms.
  const durationMs = 300 * 86_400_000;
  const few = { name: 'few', arrivalsMs: Float64Array.from([0, 1, 86_400_000]), durationMs };
  const { peakRate, dispersion } = summarize(few);
  expect(peakRate).toBe(2);
  const windows = durationMs / 10;
  const mean = 3 / windows;
  const variance = ((2 - mean) ** 2 + (1 - mean) ** 2 + (windows - 2) * mean ** 2) / (windows - 1);
  expect(dispersion[0]?.index).toBeCloseTo(variance / mean, 9);
});
