/**
 * The first few deadlines of several heaps in order, without taking anything out: whatever is found next is a child of what
 * was found before, so that k of them cost O(k log k), however much waits below.
 */
import type { Keyed } from './fronted-heap.js';
import { KeyHeap } from './key-heap.js';

/** A place is `heap * placesPerHeap + position`, a whole number that is exact for a hundred million heaps. */
const placesPerHeap = 2 ** 26;

export class UrgentWalk {
  readonly #frontier = new KeyHeap<number>();
  readonly #found: number[] = [];
  #heaps: readonly Keyed[] = [];
  #hasBegun = false;

  /** Begins anew over these heaps; they must not change until the last `at`. */
  over(heaps: readonly Keyed[]): void {
    this.#heaps = heaps;
    this.#found.length = 0;
    this.#frontier.clear();
    this.#hasBegun = false;
  }

  /** The k-th smallest key, from 0; Infinity beyond the last. What was found before is remembered. */
  at(k: number): number {
    if (!this.#hasBegun) this.#begin();
    while (this.#found.length <= k) {
      const key = this.#frontier.leastKey;
      const place = this.#frontier.pop();
      if (place === undefined) return Number.POSITIVE_INFINITY;
      this.#found.push(key);
      const heap = Math.floor(place / placesPerHeap);
      const child = KeyHeap.firstChild(place % placesPerHeap);
      for (let i = 0; i < KeyHeap.arity; i += 1) this.#reach(heap, child + i);
    }
    return this.#found[k] ?? Number.POSITIVE_INFINITY;
  }

  #begin(): void {
    this.#hasBegun = true;
    for (let heap = 0; heap < this.#heaps.length; heap += 1) this.#reach(heap, 0);
  }

  #reach(heap: number, position: number): void {
    const key = this.#heaps[heap]?.keyAt(position) ?? Number.POSITIVE_INFINITY;
    if (key < Number.POSITIVE_INFINITY) this.#frontier.push(key, heap * placesPerHeap + position);
  }
}
