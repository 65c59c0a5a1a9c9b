import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrontedHeap } from './fronted-heap.js';
import { UrgentWalk } from './urgent-walk.js';

interface Item {
  readonly key: number;
  readonly order: number;
}

const inOrder = (a: Item, b: Item) => a.key - b.key || a.order - b.order;

/** Pushes in runs, so that the front fills, overflows and runs dry; few keys, so that many are equal. */
const anySteps = fc.array(
  fc.record({
    push: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 90 }),
    pop: fc.integer({ min: 0, max: 90 }),
  }),
  { maxLength: 14 },
);

describe('the heap with a front', () => {
  it('gives back the smallest key, and among equals the one that comes first, whatever goes in and out', () => {
    fc.assert(
      fc.property(anySteps, fc.boolean(), (steps, isRising) => {
        const heap = new FrontedHeap<Item>((a, b) => a.order < b.order);
        const walk = new UrgentWalk();
        let inside: Item[] = [];
        let order = 0;
        for (const { push, pop } of steps) {
          for (const some of push) {
            order += 1;
            const item = { key: isRising ? some + order : some, order };
            heap.push(item.key, item);
            inside.push(item);
          }
          inside = inside.sort(inOrder);
          walk.over(heap.keyed);
          for (const k of [0, 1, 10, 63]) expect(walk.at(k)).toBe(inside[k]?.key ?? Number.POSITIVE_INFINITY);
          for (let i = 0; i < pop; i += 1) {
            expect(heap.leastKey).toBe(inside[0]?.key ?? Number.POSITIVE_INFINITY);
            expect(heap.peek()).toBe(inside[0]);
            expect(heap.pop()).toBe(inside.shift());
          }
          expect(heap.size).toBe(inside.length);
        }
        expect(heap.drain().sort(inOrder)).toEqual(inside);
        expect(heap.size).toBe(0);
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });
});
