import { describe, expect, it } from 'vitest';
import { OverheadEstimate } from './overhead.js';

describe('the overhead estimate', () => {
  it('is the configured one until enough batches were seen, then the 90th percentile of the last 256', () => {
    const estimate = new OverheadEstimate(2);
    for (let i = 0; i < 63; i += 1) estimate.add(9, 8);
    expect(estimate.ms).toBe(2);
    estimate.add(9, 8);
    expect(estimate.ms).toBe(1);
    for (let i = 1; i <= 256; i += 1) estimate.add(i / 100, 0);
    expect(estimate.ms).toBeCloseTo(2.3, 1);
  });

  it('is never negative, and bounded when the machine stands still', () => {
    const estimate = new OverheadEstimate(2);
    for (let i = 0; i < 256; i += 1) estimate.add(1, 5);
    expect(estimate.ms).toBe(0);
    for (let i = 0; i < 256; i += 1) estimate.add(5_000, 5);
    expect(estimate.ms).toBe(10);
  });
});
