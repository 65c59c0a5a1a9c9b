import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { borne, capacity, defaultRate, meanShare, mostOnPath, pathCoreMs } from './rate.js';

const subnet = (id: string, accuracy: number, p50Ms: number[], p99Ms = p50Ms) => ({ id, accuracy, p50Ms, p99Ms });
const profile = {
  batches: [1, 4, 16],
  subnets: [subnet('small', 0.89, [0.5, 1, 3]), subnet('large', 0.92, [4, 10, 40])],
};
const inputs = { profile, workers: 2, cores: 16, sloMs: 36 };

describe('the capacity of a subnet', () => {
  it('is that of its best batch', () => {
    expect(capacity(inputs, subnet('s', 0.89, [0.5, 1, 3]))).toBeCloseTo(16_000 / 3);
  });

  it('leaves out batches that take too much of the SLO, but for the smallest', () => {
    expect(capacity(inputs, subnet('s', 0.9, [4, 10, 20]))).toBeCloseTo(400);
    expect(capacity(inputs, subnet('s', 0.9, [30, 60, 120]))).toBeCloseTo(1_000 / 30);
  });

  it('judges whether a batch fits by the 99th percentile', () => {
    expect(capacity(inputs, subnet('s', 0.9, [4, 10, 12], [4, 10, 19]))).toBeCloseTo(400);
  });
});

describe('what a machine bears', () => {
  const large = subnet('large', 0.92, [4, 10, 40]);

  it('is the workers’ capacity where there are cores enough', () => {
    expect(borne(inputs, large, 2)).toBeCloseTo(800);
    expect(borne(inputs, large, 1)).toBeCloseTo(400);
  });

  it('is less where the message path needs the workers’ cores', () => {
    // A query needs 2.5 ms of a core for inference and pathCoreMs for its messages.
    expect(borne({ ...inputs, cores: 2 }, large, 2)).toBeCloseTo(2_000 / (2.5 + pathCoreMs));
  });

  it('is never more than the message path carries', () => {
    expect(borne({ ...inputs, cores: 1_000 }, subnet('instant', 0.5, [0.001, 0.001, 0.001]), 64)).toBe(mostOnPath);
  });
});

describe('the default rate', () => {
  it('is a share of what all workers bear on the largest subnet, when a worker fewer bears that on the smallest', () => {
    expect(defaultRate(inputs)).toBe(meanShare * 800);
  });

  it('stays at 80 % of what one worker fewer bears on the smallest subnet', () => {
    const alike = { batches: [1], subnets: [subnet('small', 0.89, [10]), subnet('large', 0.92, [10.1])] };
    // A share of eight workers' capacity would be more than one of two workers can bear.
    expect(defaultRate({ ...inputs, profile: alike, workers: 2 })).toBe(69);
    expect(defaultRate({ ...inputs, profile: alike, workers: 1 })).toBe(34);
  });

  it('is positive and within its bounds for any profile', () => {
    const anyProfile = fc
      .record({
        small: fc.double({ min: 0.01, max: 1_000, noNaN: true }),
        factor: fc.double({ min: 1, max: 50, noNaN: true }),
      })
      .map(({ small, factor }) => ({
        batches: [1, 8],
        subnets: [subnet('small', 0.8, [small, small * 6]), subnet('large', 0.9, [small * factor, small * factor * 6])],
      }));
    fc.assert(
      fc.property(anyProfile, fc.integer({ min: 1, max: 8 }), (anyOne, workers) => {
        const given = { ...inputs, profile: anyOne, workers };
        const rate = defaultRate(given);
        const [small, large] = anyOne.subnets;
        if (small === undefined || large === undefined) throw new Error('two subnets were made');
        expect(rate).toBeGreaterThanOrEqual(1);
        expect(rate).toBeLessThanOrEqual(Math.max(1, borne(given, large, workers)));
        expect(rate).toBeLessThanOrEqual(Math.max(1, 0.8 * borne(given, small, Math.max(1, workers - 1))));
      }),
    );
  });

  it('refuses a profile without subnets', () => {
    expect(() => defaultRate({ ...inputs, profile: { batches: [1], subnets: [] } })).toThrow(RangeError);
  });
});
