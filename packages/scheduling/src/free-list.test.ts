import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FreeList } from './free-list.js';

describe('the list of free workers', () => {
  it('keeps the order in which they came, and each once', () => {
    const anySteps = fc.array(fc.record({ worker: fc.nat(9), adds: fc.boolean() }), { maxLength: 200 });
    fc.assert(
      fc.property(anySteps, (steps) => {
        const list = new FreeList<number>();
        const expected = new Set<number>();
        for (const { worker, adds } of steps) {
          if (adds) list.add(worker);
          else list.delete(worker);
          if (adds) expected.add(worker);
          else expected.delete(worker);
          expect(list.size).toBe(expected.size);
          expect([...list]).toEqual([...expected]);
        }
      }),
    );
  });

  it('lets those be taken out that an iteration comes to', () => {
    const list = new FreeList<number>();
    for (const worker of [1, 2, 3]) list.add(worker);
    const seen: number[] = [];
    for (const worker of list) {
      seen.push(worker);
      list.delete(worker);
    }
    expect(seen).toEqual([1, 2, 3]);
    expect(list.size).toBe(0);
  });
});
