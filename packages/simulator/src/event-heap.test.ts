import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventHeap } from './event-heap.js';

it('gives events back by time, and those of one moment in the order of their coming', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(20)), { maxLength: 300 }), (steps) => {
      const heap = new EventHeap();
      const expected: { atMs: number; index: number }[] = [];
      // A number puts an event in, null takes one out.
      steps.forEach((step, index) => {
        if (step !== null) {
          heap.push(step, 3, index, index + 1);
          expected.push({ atMs: step, index });
          expected.sort((a, b) => a.atMs - b.atMs || a.index - b.index);
        } else if (expected.length > 0) {
          const next = expected.shift();
          expect(heap.nextMs).toBe(next?.atMs);
          heap.pop();
          expect([heap.kind, heap.index, heap.version]).toEqual([3, next?.index, (next?.index ?? 0) + 1]);
        }
        expect(heap.size).toBe(expected.length);
      });
      if (expected.length === 0) expect(heap.nextMs).toBe(Number.POSITIVE_INFINITY);
    }),
  );
});
