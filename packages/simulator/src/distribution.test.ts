import { LatencyTable } from '@slackline/scheduling';
import { describe, expect, it } from 'vitest';
import { type Distribution, meanOf, randomSource, sampler } from './distribution.js';
import { executorTimes } from './noise.js';

const draws = 20_000;

function sorted(draw: () => number): Float64Array {
  return Float64Array.from({ length: draws }, draw).sort();
}
const at = (values: Float64Array, share: number) => values[Math.floor(share * values.length)] ?? 0;
const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Within so many hundredths. */
function near(value: number, expected: number, percent: number): void {
  expect(Math.abs(value / expected - 1)).toBeLessThan(percent / 100);
}

describe('a distribution', () => {
  it('through two percentiles has them, and the mean that is said of it', () => {
    const distribution = { p50: 0.3, p99: 0.9 };
    const values = sorted(sampler(distribution, randomSource(1, 1)));
    near(at(values, 0.5), 0.3, 2);
    near(at(values, 0.99), 0.9, 4);
    near(mean(values), meanOf(distribution), 2);
  });

  it('that was measured gives back what was measured', () => {
    const measured: Distribution = { sorted: [1, 2, 4, 8, 16] };
    const values = sorted(sampler(measured, randomSource(1, 1)));
    expect(values[0]).toBeGreaterThanOrEqual(1);
    expect(values[draws - 1]).toBeLessThanOrEqual(16);
    near(at(values, 0.5), 4, 3);
    near(at(values, 0.25), 2, 3);
    near(mean(values), meanOf(measured), 2);
  });

  it('of one number is that number', () => {
    expect(sampler(7, randomSource(1, 1))()).toBe(7);
    expect(meanOf(7)).toBe(7);
  });

  it.each([-1, { p50: 0, p99: 1 }, { p50: 2, p99: 1 }, { sorted: [] }, { sorted: [2, 1] }])(
    'is refused: %j',
    (wrong) => {
      expect(() => sampler(wrong, randomSource(1, 1))).toThrow(RangeError);
    },
  );
});

describe('the noise of a profile', () => {
  it('has the table’s median and its tail, in every cell', () => {
    const front = [{ id: 'a', accuracy: 0.7 }];
    const tail = new LatencyTable(front, [1, 4], [[13, 60]]);
    const table = new LatencyTable(front, [1, 4], [[10, 20]], tail);
    const timeOf = executorTimes({ kind: 'profile' }, randomSource(1, 2));
    const hosted = { index: 0, table, counted: [0] };
    for (const [size, p50, p99] of [
      [1, 10, 13],
      [4, 20, 60],
      [2, table.estimate(0, 2), tail.estimate(0, 2)],
    ] as const) {
      const values = sorted(() => timeOf(hosted, 0, size));
      near(at(values, 0.5), p50, 2);
      near(at(values, 0.99), p99, 5);
    }
  });
});

it('streams of one seed are unlike, and the same use of the same seed is alike', () => {
  const first = (seed: number, use: number) => {
    const { uniform } = randomSource(seed, use);
    return Array.from({ length: 20 }, uniform);
  };
  expect(first(1, 1)).toEqual(first(1, 1));
  const starts = [first(1, 1), first(1, 2), first(2, 1), first(3, 1)].map(([value]) => value);
  expect(new Set(starts).size).toBe(4);
  // Neighbouring seeds do not begin alike.
  const spread = Array.from({ length: 1_000 }, (_, seed) => first(seed, 1)[0] ?? 0);
  near(spread.reduce((sum, value) => sum + value, 0) / 1_000, 0.5, 6);
});
