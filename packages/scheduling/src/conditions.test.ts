import { describe, expect, it } from 'vitest';
import { ConditionsEstimate } from './conditions.js';

/** Nothing was before it on its device. */
const none = { byMs: 0, expectedMs: 0 };

const full = (estimate: ConditionsEstimate, sample: (i: number) => [number, number, number], count = 256) => {
  for (let i = 0; i < count; i += 1) {
    const [roundTripMs, executorMs, expectedMs] = sample(i);
    estimate.add({ atMs: 0, roundTripMs, heldUp: none, executorMs, expectedMs });
  }
};

describe('the estimate of conditions', () => {
  it('is the configured one until enough batches were seen', () => {
    const estimate = new ConditionsEstimate(2);
    full(estimate, () => [9, 8, 8], 63);
    expect(estimate.read(0)).toEqual({ slowdown: 1, overheadMs: 2, reserveMs: 0 });
    full(estimate, () => [9, 8, 8], 1);
    expect(estimate.read(0)).toEqual({ slowdown: 1, overheadMs: 1, reserveMs: 0 });
  });

  it('takes slower executors as slowdown, what is usual beyond as overhead, and the tail as reserve', () => {
    const estimate = new ConditionsEstimate(2);
    full(estimate, (i) => [15 + (255 - i) / 100, 15, 10]);
    const { slowdown, overheadMs, reserveMs } = estimate.read(0);
    expect(slowdown).toBeCloseTo(1.5, 6);
    expect(overheadMs).toBeCloseTo(1.27, 2);
    expect(overheadMs + reserveMs).toBeCloseTo(2.55, 6);
  });

  it('believes an overhead that has just grown at once, and one that has shrunk when most are so', () => {
    const estimate = new ConditionsEstimate(2);
    const overheadAfter = (beyondMs: number, count: number) => {
      full(estimate, () => [10 + beyondMs, 10, 10], count);
      return estimate.read(0).overheadMs;
    };
    expect(overheadAfter(1, 256)).toBe(1);
    expect(overheadAfter(5, 15)).toBe(1);
    expect(overheadAfter(5, 2)).toBe(5);
    expect(overheadAfter(1, 17)).toBe(1);
    expect(overheadAfter(5, 240)).toBe(5);
    expect(overheadAfter(1, 100)).toBe(5);
  });

  it('keeps back what batches were held up by the one before them, which is no overhead', () => {
    const estimate = new ConditionsEstimate(2);
    for (let i = 0; i < 256; i += 1) {
      estimate.add({
        atMs: 0,
        roundTripMs: 11,
        heldUp: { byMs: i % 8 === 0 ? 3 : 0, expectedMs: 10 },
        executorMs: 10,
        expectedMs: 10,
      });
    }
    expect(estimate.read(0)).toEqual({ slowdown: 1, overheadMs: 1, reserveMs: 3 });
  });

  it('does not keep back what the one before took longer because executors are slow: that is reckoned with', () => {
    const estimate = new ConditionsEstimate(2);
    const batches = (atMs: number, factor: number) => {
      for (let i = 0; i < 256; i += 1) {
        const executorMs = 10 * factor;
        const heldUp = { byMs: executorMs - 10, expectedMs: 10 };
        estimate.add({ atMs, roundTripMs: executorMs + 1, heldUp, executorMs, expectedMs: 10 });
      }
      return estimate.read(atMs);
    };
    expect(batches(0, 2)).toEqual({ slowdown: 2, overheadMs: 1, reserveMs: 0 });
    expect(batches(1_000, 1)).toEqual({ slowdown: 1, overheadMs: 1, reserveMs: 0 });
  });

  it('forgets what lies longer back than its window', () => {
    const estimate = new ConditionsEstimate(2);
    full(estimate, () => [40, 20, 10]);
    full(estimate, () => [11, 10, 10]);
    // The tail is remembered for longer: it is told from few of many.
    expect(estimate.read(0)).toEqual({ slowdown: 1, overheadMs: 1, reserveMs: 20 });
    full(estimate, () => [11, 10, 10], 8_192);
    expect(estimate.read(0)).toEqual({ slowdown: 1, overheadMs: 1, reserveMs: 0 });
  });

  it('does not take a time of slow executors for a time of long waits, once it is over', () => {
    const estimate = new ConditionsEstimate(2);
    const batches = (count: number, sample: [number, number, number]) => {
      for (let i = 0; i < count; i += 16) {
        full(estimate, () => sample, 16);
        estimate.read(0);
      }
    };
    batches(3_008, [41, 40, 10]);
    expect(estimate.read(0)).toEqual({ slowdown: 4, overheadMs: 1, reserveMs: 0 });
    batches(256, [11, 10, 10]);
    expect(estimate.read(0)).toEqual({ slowdown: 1, overheadMs: 1, reserveMs: 0 });
  });

  it('keeps back what all but one in 5,000 batches take, and no more', () => {
    const reserveOf = (isLong: (i: number) => boolean) => {
      const estimate = new ConditionsEstimate(2);
      full(estimate, (i) => [isLong(i) ? 19 : 11, 10, 10], 6_000);
      return estimate.read(0).reserveMs;
    };
    expect(reserveOf((i) => i === 2_500 || i === 3_000)).toBe(8);
    expect(reserveOf((i) => i === 2_500)).toBe(0);
  });

  it('believes no slowdown and no overhead longer than ten seconds', () => {
    const estimate = new ConditionsEstimate(2);
    full(estimate, () => [5_000, 4_000, 10]);
    expect(estimate.read(9_999).slowdown).toBe(4);
    expect(estimate.read(10_000)).toEqual({ slowdown: 1, overheadMs: 2, reserveMs: 20 });
  });

  it('still keeps back what it did when traffic comes again after a pause, and forgets it after ten seconds of traffic', () => {
    const estimate = new ConditionsEstimate(2);
    const batches = (fromMs: number, count: number, roundTripMs: number) => {
      for (let i = 0; i < count; i += 1)
        estimate.add({ atMs: fromMs + 50 * i, roundTripMs, heldUp: none, executorMs: 10, expectedMs: 10 });
    };
    batches(0, 64, 19);
    const hourMs = 3_600_000;
    expect(estimate.read(hourMs)).toEqual({ slowdown: 1, overheadMs: 2, reserveMs: 7 });
    batches(hourMs, 100, 11);
    expect(estimate.read(hourMs + 5_000)).toEqual({ slowdown: 1, overheadMs: 1, reserveMs: 8 });
    batches(hourMs + 5_000, 100, 11);
    expect(estimate.read(hourMs + 10_000)).toEqual({ slowdown: 1, overheadMs: 1, reserveMs: 0 });
  });

  it('counts a pause as a second of traffic', () => {
    const estimate = new ConditionsEstimate(2);
    full(estimate, () => [19, 10, 10], 64);
    const minutes = (from: number, to: number) => {
      for (let i = from; i <= to; i += 1)
        estimate.add({ atMs: 60_000 * i, roundTripMs: 11, heldUp: none, executorMs: 10, expectedMs: 10 });
      return estimate.read(60_000 * to).reserveMs;
    };
    expect(minutes(1, 9)).toBe(7);
    expect(minutes(10, 10)).toBe(0);
  });

  it('does not take slow executors for long waits where batches are too few to say how slow', () => {
    const estimate = new ConditionsEstimate(2);
    for (const atMs of [0, 20_000, 40_000]) {
      for (let i = 0; i < 40; i += 1)
        estimate.add({ atMs, roundTripMs: 41, heldUp: none, executorMs: 40, expectedMs: 10 });
      expect(estimate.read(atMs)).toEqual({ slowdown: 1, overheadMs: 2, reserveMs: 0 });
    }
  });

  it('does not call executors slow because the machine stood still for a second', () => {
    const estimate = new ConditionsEstimate(2);
    // Four workers, each with one batch in hand when everything stops.
    full(estimate, (i) => (i % 24 === 0 ? [1_060, 1_060, 60] : [62, 60, 60]), 96);
    const { slowdown, overheadMs } = estimate.read(0);
    expect(slowdown).toBeLessThan(1.1);
    expect(overheadMs).toBeLessThan(3);
  });

  it('stays within bounds when executors are faster than profiled or the machine stands still', () => {
    const estimate = new ConditionsEstimate(2);
    full(estimate, () => [1, 1, 10]);
    expect(estimate.read(0)).toEqual({ slowdown: 1, overheadMs: 0, reserveMs: 0 });
    full(estimate, (i) => [i < 100 ? 21 : 5_000, 20, 10]);
    expect(estimate.read(0)).toEqual({ slowdown: 2, overheadMs: 10, reserveMs: 20 });
  });
});
