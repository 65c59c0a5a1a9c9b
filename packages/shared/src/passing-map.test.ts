import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PassingMap } from './passing-map.js';

it('is a map, whatever comes and goes, also what stays while thousands pass', () => {
  const event = fc.oneof(
    fc.record({ is: fc.constant('add' as const), count: fc.integer({ min: 1, max: 1_500 }) }),
    // Leaves every so manyth.
    fc.record({ is: fc.constant('delete' as const), every: fc.integer({ min: 1, max: 50 }) }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 8 }), (events) => {
      const map = new PassingMap<string, number>();
      const model = new Map<string, number>();
      let next = 0;
      for (const each of events) {
        if (each.is === 'add') {
          for (let n = 0; n < each.count; n++, next++) {
            map.add(`k${next}`, next);
            model.set(`k${next}`, next);
          }
        } else {
          for (const [key, value] of model) {
            if (value % each.every === 0) continue;
            map.delete(key);
            model.delete(key);
          }
        }
        expect(map.size).toBe(model.size);
        expect([...map.values()].sort((a, b) => a - b)).toEqual([...model.values()]);
      }
      for (let n = 0; n < next; n++) {
        expect(map.get(`k${n}`)).toBe(model.get(`k${n}`));
        expect(map.has(`k${n}`)).toBe(model.has(`k${n}`));
      }
    }),
    { numRuns: 15 },
  );
});

it('can lose entries while it is gone through', () => {
  const map = new PassingMap<number, number>();
  for (let n = 0; n < 2_000; n++) map.add(n, n);
  const seen: number[] = [];
  for (const n of map.values()) {
    seen.push(n);
    map.delete(n);
    map.delete(n + 1);
  }
  expect(seen).toHaveLength(1_000);
  expect(map.size).toBe(0);
});
