import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bestFronts, paretoFront, thinFront } from './select.js';

const subnets = fc.array(
  fc.record({
    cost: fc.double({ min: 0.01, max: 100, noNaN: true }),
    accuracy: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { minLength: 1, maxLength: 60 },
);

test('the front holds exactly what nothing else beats', () => {
  fc.assert(
    fc.property(subnets, (all) => {
      const front = paretoFront(all);
      const beaten = (s: (typeof all)[number]) => all.some((o) => o.cost <= s.cost && o.accuracy > s.accuracy);
      expect(front.some(beaten)).toBe(false);
      const covered = (s: (typeof all)[number]) => front.some((f) => f.cost <= s.cost && f.accuracy >= s.accuracy);
      expect(all.every(covered)).toBe(true);
    }),
  );
});

test('a front ascends strictly in both', () => {
  fc.assert(
    fc.property(subnets, (all) => {
      paretoFront(all).reduce((cheaper, subnet) => {
        expect(subnet.cost).toBeGreaterThan(cheaper.cost);
        expect(subnet.accuracy).toBeGreaterThan(cheaper.accuracy);
        return subnet;
      });
    }),
  );
});

test('thinning keeps the ends and as many as asked for', () => {
  fc.assert(
    fc.property(subnets, fc.integer({ min: 2, max: 12 }), (all, count) => {
      const front = paretoFront(all);
      const thinned = thinFront(front, count);
      expect(thinned).toHaveLength(Math.min(front.length, Math.max(count, 2)));
      expect(thinned[0]).toBe(front[0]);
      expect(thinned.at(-1)).toBe(front.at(-1));
      expect(front.filter((subnet) => thinned.includes(subnet))).toEqual(thinned);
    }),
  );
});

test('of two neighbours that are nearly alike, the one that adds less goes', () => {
  const front = [
    { cost: 1, accuracy: 0.8 },
    { cost: 4, accuracy: 0.88 },
    { cost: 4.1, accuracy: 0.881 },
    { cost: 16, accuracy: 0.93 },
  ];
  expect(thinFront(front, 3).map((subnet) => subnet.cost)).toEqual([1, 4, 16]);
});

test('fronts without room for all of the last keep its dear end too', () => {
  const line = (accuracy: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({ cost: 2 ** i, accuracy: accuracy + i / 100 }));
  const [first, second, third] = [line(0.8, 4), line(0.7, 8), line(0.6, 8)];
  const best = bestFronts([first, second, third], 9);
  expect(best).toHaveLength(9);
  expect(best.slice(0, 4)).toEqual(first);
  for (const end of [second[0], second[7]]) expect(best).toContain(end);
  expect(bestFronts([first, second, third], 4)).toEqual(first);
  expect(bestFronts([first, second, third], 0)).toEqual([]);
});
