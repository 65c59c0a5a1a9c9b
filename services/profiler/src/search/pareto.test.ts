import fc from 'fast-check';
import { expect, test } from 'vitest';
import { paretoFront } from '../stages/select.js';
import { crowding, dominates, hypervolume, nonDominatedFronts } from './pareto.js';

const one = fc.record({
  // Few values, so that ties are common.
  cost: fc.integer({ min: 1, max: 12 }),
  accuracy: fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10),
});
const many = fc.array(one, { maxLength: 40 });
const reference = { leastCost: 1, mostCost: 12, leastAccuracy: 0.2 };

test('every front is what nothing of it or of a later one dominates, and the one before dominates each of its members', () => {
  fc.assert(
    fc.property(many, (all) => {
      const fronts = nonDominatedFronts(all);
      expect(fronts.flat()).toHaveLength(all.length);
      expect(new Set(fronts.flat()).size).toBe(all.length);
      for (const [i, front] of fronts.entries()) {
        const rest = fronts.slice(i).flat();
        for (const member of front) {
          expect(rest.some((other) => dominates(other, member))).toBe(false);
          if (i > 0) expect(fronts[i - 1]?.some((other) => dominates(other, member))).toBe(true);
        }
      }
    }),
  );
});

test('the ends of a front are infinitely far from their neighbours, the others finitely', () => {
  const front = [
    { cost: 1, accuracy: 0.1 },
    { cost: 2, accuracy: 0.5 },
    { cost: 4, accuracy: 0.9 },
  ];
  const [first = 0, middle = 0, last = 0] = crowding(front);
  expect([first, last]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  expect(middle).toBeCloseTo(2);
});

test('hypervolume is the area under the steps of the front, over log cost', () => {
  const steps = [
    { cost: 1, accuracy: 0.2 },
    { cost: 2, accuracy: 0.6 },
    { cost: 8, accuracy: 1 },
  ];
  // From cost 2 to 8 (two octaves) half of the height, from 8 to 16 (one octave) all of it, of four octaves.
  expect(hypervolume(steps, { leastCost: 1, mostCost: 16, leastAccuracy: 0.2 })).toBeCloseTo((2 * 0.5 + 1) / 4);
});

test('hypervolume never shrinks by another subnet, does not grow by a dominated one, and is a share', () => {
  fc.assert(
    fc.property(many, one, (all, more) => {
      const before = hypervolume(all, reference);
      const after = hypervolume([...all, more], reference);
      expect(after).toBeGreaterThanOrEqual(before - 1e-12);
      if (all.some((other) => dominates(other, more))) expect(after).toBeCloseTo(before, 12);
      expect(hypervolume(paretoFront(all), reference)).toBeCloseTo(before, 12);
      expect(after).toBeLessThanOrEqual(1 + 1e-12);
    }),
  );
});
