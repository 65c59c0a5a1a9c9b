import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { levelOf, median, type Point, slopePerMinute } from './trend.js';

describe('a slope', () => {
  it('is that of the line that the points lie on, wherever it begins', () => {
    const lines = fc.record({
      slope: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      start: fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      count: fc.integer({ min: 3, max: 50 }),
    });
    fc.assert(
      fc.property(lines, ({ slope, start, count }) => {
        const points = Array.from({ length: count }, (_, i): Point => [i * 1_000, start + (slope * i) / 60]);
        expect(slopePerMinute(points)).toBeCloseTo(slope, 0);
      }),
    );
  });

  it('does not count what a process takes while it warms up', () => {
    const warming = Array.from({ length: 60 }, (_, i): Point => [i * 1_000, i * 1_000]);
    const steady = Array.from({ length: 60 }, (_, i): Point => [60_000 + i * 1_000, 60_000]);
    expect(slopePerMinute([...warming, ...steady])).toBeGreaterThan(10_000);
    expect(slopePerMinute([...warming, ...steady], 60_000)).toBeCloseTo(0);
  });

  it('is not told by two points, or by points of one moment', () => {
    expect(
      slopePerMinute([
        [0, 1],
        [1, 2],
      ]),
    ).toBeUndefined();
    expect(
      slopePerMinute([
        [5, 1],
        [5, 2],
        [5, 3],
      ]),
    ).toBeUndefined();
  });
});

it('takes the level of a stretch from its median', () => {
  const points: Point[] = [
    [0, 100],
    [1, 5],
    [2, 7],
    [3, 900],
    [4, 6],
    [5, 100],
  ];
  expect(levelOf(points, 1, 5)).toBe(6.5);
  expect(levelOf(points, 9, 10)).toBeUndefined();
  expect(median([3, 1, 2])).toBe(2);
});
