import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrivals, arrivalsOf, generate } from './generate.js';
import type { TraceSpecInput } from './spec.js';
import { countsPer, summarize } from './summary.js';
import { mostQueries } from './trace.js';

const rate = fc.double({ min: 1, max: 5_000, noNaN: true });
const cv2 = fc.oneof(fc.constant(0), fc.double({ min: 0.05, max: 20, noNaN: true }));
const common = { seconds: fc.double({ min: 0.01, max: 5, noNaN: true }), seed: fc.integer() };
const anySpec: fc.Arbitrary<TraceSpecInput> = fc.oneof(
  fc.record({ kind: fc.constantFrom('constant' as const, 'poisson' as const), rate, ...common }),
  fc.record({ kind: fc.constant('gamma' as const), rate, cv2, ...common }),
  fc.record({ kind: fc.constant('bursty' as const), base: rate, variant: rate, cv2, ...common }),
  fc.record({
    kind: fc.constant('accelerating' as const),
    from: rate,
    to: rate,
    tau: fc.double({ min: 0.1, max: 1e5, noNaN: true }),
    at: fc.double({ min: 0, max: 6, noNaN: true }),
    cv2,
    ...common,
  }),
  fc.record({
    kind: fc.constant('diurnal' as const),
    low: fc.oneof(fc.constant(0), rate),
    high: rate,
    period: fc.double({ min: 0.01, max: 10, noNaN: true }),
    cv2,
    ...common,
  }),
);

describe('a generated trace', () => {
  it('ascends from 0 and ends before its duration, whatever is asked for', () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        const { arrivalsMs, durationMs } = generate(spec);
        expect(durationMs).toBeCloseTo((spec.seconds ?? 0) * 1_000, 9);
        let before = 0;
        for (const atMs of arrivalsMs) {
          if (!(atMs >= before && atMs < durationMs)) expect.fail(`${atMs} ms comes after ${before} ms`);
          before = atMs;
        }
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  it('is the same for the same seed, another for the next one, and the same drawn one by one', () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        const trace = generate(spec);
        expect(generate(spec)).toEqual(trace);
        for (const next of [arrivals(spec), arrivalsOf(trace)]) {
          for (const atMs of trace.arrivalsMs) if (next() !== atMs) expect.fail(`not ${atMs} ms`);
          expect([next(), next()]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
        }
        const drawn = !('cv2' in spec) ? spec.kind === 'poisson' : spec.cv2 !== 0;
        const other = generate({ ...spec, seed: (spec.seed ?? 0) + 1 });
        if (drawn && trace.arrivalsMs.length > 5) expect(other.arrivalsMs).not.toEqual(trace.arrivalsMs);
      }),
      { seed: 5, numRuns: 60 },
    );
  });

  it('is this one, on every platform', () => {
    const first = (spec: TraceSpecInput) => [...generate(spec).arrivalsMs.slice(0, 4)];
    expect(first({ kind: 'constant', rate: 400 })).toEqual([0, 2.5, 5, 7.5]);
    const pinned = {
      gamma: first({ kind: 'gamma', rate: 400, cv2: 4, seed: 7 }),
      diurnal: first({ kind: 'diurnal', low: 50, high: 400, seed: 7 }),
      bursty: first({ kind: 'bursty', base: 100, variant: 300, cv2: 8, seed: 7 }),
      accelerating: first({ kind: 'accelerating', from: 100, to: 400, tau: 50, cv2: 8, seed: 7 }),
    };
    expect(pinned).toMatchInlineSnapshot(`
      {
        "accelerating": [
          73.09577888025515,
          73.9551605530454,
          73.95516118475004,
          78.5269397071274,
        ],
        "bursty": [
          0,
          10,
          20,
          24.810509034260978,
        ],
        "diurnal": [
          11.3172270355889,
          33.17232253903137,
          41.86446585077792,
          77.9684457312427,
        ],
        "gamma": [
          20.220001716575414,
          20.9284459444115,
          20.92904467072523,
          21.998566541436947,
        ],
      }
    `);
  });

  it('of independent seeds side by side begins at independent times', () => {
    const firsts = Array.from(
      { length: 2_000 },
      (_, seed) => generate({ kind: 'poisson', rate: 1, seed }).arrivalsMs[0] ?? 0,
    );
    const gaps = firsts.slice(1).map((first, i) => first - (firsts[i] ?? 0));
    const variance = (values: number[]) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    };
    // Exponential times of mean 1 s; the differences of independent ones vary twice as much.
    expect(Math.sqrt(variance(firsts))).toBeCloseTo(1_000, -2.5);
    expect(variance(gaps) / variance(firsts)).toBeGreaterThan(1.8);
    expect(variance(gaps) / variance(firsts)).toBeLessThan(2.2);
  });

  it('is refused before memory runs out', () => {
    expect(() => generate({ kind: 'constant', rate: 1_000, seconds: mostQueries / 100 })).toThrow(
      expect.objectContaining({ code: 'trace_too_long' }),
    );
  });
});

describe('rates and gaps', () => {
  it('a constant trace has exactly its rate', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 20 }), (perSecond, seconds) => {
        const { arrivalsMs } = generate({ kind: 'constant', rate: perSecond, seconds });
        expect(arrivalsMs.length).toBe(perSecond * seconds);
        expect(arrivalsMs[0]).toBe(0);
      }),
    );
  });

  it.each([0, 0.25, 1, 4, 8])('gamma gaps of CV² %d have it, and the mean rate', (asked) => {
    for (const seed of [1, 2, 3]) {
      const { queries, gapCv2 } = summarize(generate({ kind: 'gamma', rate: 2_000, cv2: asked, seconds: 100, seed }));
      // Four standard deviations of the count of a renewal process, and as much again of a CV² that is estimated.
      expect(Math.abs(queries - 200_000)).toBeLessThan(4 * Math.sqrt(asked * 200_000) + 1);
      expect(Math.abs((gapCv2 ?? -1) - asked)).toBeLessThanOrEqual(0.05 * asked * Math.sqrt(1 + asked) + 1e-12);
    }
  });

  it('poisson counts vary as much as their mean, in windows of any size', () => {
    const { gapCv2, dispersion } = summarize(generate({ kind: 'poisson', rate: 1_000, seconds: 1_000 }));
    expect(gapCv2).toBeCloseTo(1, 1.5);
    for (const { index } of dispersion.slice(0, 3)) expect(Math.abs(index - 1)).toBeLessThan(0.2);
  });

  it('a bursty trace is its base and its variant in order', () => {
    const spec = { base: 1_500, variant: 2_950, cv2: 8, seconds: 20, seed: 3 };
    const { arrivalsMs } = generate({ kind: 'bursty', ...spec });
    const base = generate({ kind: 'constant', rate: spec.base, seconds: 20 }).arrivalsMs;
    const variant = generate({ kind: 'gamma', rate: spec.variant, cv2: 8, seconds: 20, seed: 3 }).arrivalsMs;
    expect(arrivalsMs).toEqual(Float64Array.from([...base, ...variant]).sort());
  });

  it('an accelerating trace follows its rate', () => {
    const spec = { from: 2_500, to: 7_800, tau: 250, at: 10, cv2: 8, seconds: 60, seed: 1 };
    const trace = generate({ kind: 'accelerating', ...spec });
    const rateAt = (s: number) => Math.max(2_500, Math.min(7_800, 2_500 + 250 * (s - 10)));
    countsPer(trace, 1_000).forEach((count, second) => {
      const expected = rateAt(second + 0.5);
      expect(Math.abs(count - expected), `second ${second}`).toBeLessThan(4.5 * Math.sqrt(8 * expected));
    });
    const slowing = generate({ kind: 'accelerating', ...spec, from: 7_800, to: 2_500, cv2: 0 });
    expect(countsPer(slowing, 1_000)[5]).toBe(7_800);
    expect(countsPer(slowing, 1_000)[59]).toBeCloseTo(2_500, -1);
  });

  it('keeps the CV² of its gaps while the rate changes', () => {
    const { arrivalsMs } = generate({ kind: 'accelerating', from: 500, to: 4_000, tau: 50, cv2: 4, seconds: 70 });
    // Gaps in units of the mean gap of their moment.
    const gaps = [...arrivalsMs].slice(1).map((atMs, i) => {
      const s = ((arrivalsMs[i] ?? 0) + atMs) / 2_000;
      return ((atMs - (arrivalsMs[i] ?? 0)) / 1_000) * Math.min(4_000, 500 + 50 * s);
    });
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(mean).toBeCloseTo(1, 1.5);
    expect(variance / mean ** 2).toBeCloseTo(4, 0.5);
  });

  it('a diurnal trace is low at its start and every period, and high between', () => {
    const { arrivalsMs, ...rest } = generate({ kind: 'diurnal', low: 100, high: 900, period: 20, cv2: 0, seconds: 60 });
    expect(arrivalsMs.length).toBeCloseTo(500 * 60, -1);
    const counts = countsPer({ arrivalsMs, ...rest }, 1_000);
    counts.forEach((count, second) => {
      const middle = 500 - 400 * Math.cos((2 * Math.PI * (second + 0.5)) / 20);
      expect(Math.abs(count - middle)).toBeLessThan(6);
    });
  });
});
