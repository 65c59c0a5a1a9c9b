import { describe, expect, it } from 'vitest';
import { ConditionsEstimate } from './conditions.js';

const full = (estimate: ConditionsEstimate, sample: (i: number) => [number, number, number], count = 256) => {
  for (let i = 0; i < count; i += 1) {
    const [roundTripMs, executorMs, expectedMs] = sample(i);
    estimate.add({ roundTripMs, executorMs, expectedMs });
  }
};

describe('the estimate of conditions', () => {
  it('is the configured one until enough batches were seen', () => {
    const estimate = new ConditionsEstimate(2);
    full(estimate, () => [9, 8, 8], 63);
    expect(estimate.read()).toEqual({ slowdown: 1, overheadMs: 2 });
    full(estimate, () => [9, 8, 8], 1);
    expect(estimate.read()).toEqual({ slowdown: 1, overheadMs: 1 });
  });

  it('takes executors that are slower than profiled as slowdown, and what nine in ten take beyond as overhead', () => {
    const estimate = new ConditionsEstimate(2);
    full(estimate, (i) => [15 + i / 100, 15, 10]);
    const { slowdown, overheadMs } = estimate.read();
    expect(slowdown).toBeCloseTo(1.5, 6);
    expect(overheadMs).toBeCloseTo(2.3, 1);
  });

  it('forgets what lies longer back than its window', () => {
    const estimate = new ConditionsEstimate(2);
    full(estimate, () => [40, 20, 10]);
    full(estimate, () => [11, 10, 10]);
    expect(estimate.read()).toEqual({ slowdown: 1, overheadMs: 1 });
  });

  it('stays within bounds when executors are faster than profiled or the machine stands still', () => {
    const estimate = new ConditionsEstimate(2);
    full(estimate, () => [1, 1, 10]);
    expect(estimate.read()).toEqual({ slowdown: 1, overheadMs: 0 });
    full(estimate, () => [5_000, 4_000, 10]);
    expect(estimate.read()).toEqual({ slowdown: 2, overheadMs: 10 });
  });
});
