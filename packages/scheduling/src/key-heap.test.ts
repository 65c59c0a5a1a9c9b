import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyHeap } from './key-heap.js';

interface Item {
  readonly key: number;
  readonly order: number;
}

const inOrder = (a: Item, b: Item) => a.key - b.key || a.order - b.order;

describe('the heap', () => {
  it('gives back the smallest key, and among equals the one that comes first, whatever goes in and out', () => {
    // A number goes in, undefined takes the smallest out; few keys, so that many are equal.
    const anySteps = fc.array(fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined, freq: 3 }), {
      maxLength: 400,
    });
    fc.assert(
      fc.property(anySteps, (steps) => {
        const heap = new KeyHeap<Item>((a, b) => a.order < b.order);
        const inside: Item[] = [];
        steps.forEach((key, order) => {
          if (key === undefined) {
            inside.sort(inOrder);
            expect(heap.leastKey).toBe(inside[0]?.key ?? Number.POSITIVE_INFINITY);
            expect(heap.peek()).toBe(inside[0]);
            expect(heap.pop()).toBe(inside.shift());
          } else {
            const item = { key, order };
            heap.push(key, item);
            inside.push(item);
          }
          expect(heap.size).toBe(inside.length);
        });
        expect(heap.drain().sort(inOrder)).toEqual(inside.sort(inOrder));
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });

  it('keeps its order when all keys are shifted', () => {
    const heap = new KeyHeap<string>();
    for (const [key, item] of [
      [3, 'c'],
      [1, 'a'],
      [2, 'b'],
    ] as const)
      heap.push(key, item);
    heap.shiftKeys(10);
    heap.push(12.5, 'between');
    expect([heap.leastKey, heap.pop(), heap.pop(), heap.pop(), heap.pop()]).toEqual([11, 'a', 'b', 'between', 'c']);
  });
});
