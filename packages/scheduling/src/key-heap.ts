/**
 * A min-heap of items by a number. Keys and places lie in typed arrays and each node has four children, so that sifting
 * follows no pointer and tells the garbage collector nothing; items stay where they were put. That is what makes it worth
 * having beside tinyqueue once tens of thousands wait (results/decision.md measures both).
 *
 * push and pop are O(log n). Positions are readable, so that whoever wants the first few in order can walk the top alone.
 */

const arity = 4;
const leastCapacity = 16;

export class KeyHeap<T> {
  /** Children of a node. */
  static readonly arity = arity;

  #size = 0;
  /** By position in the heap: the key, and where its item lies. */
  #keys = new Float64Array(leastCapacity);
  #places = new Int32Array(leastCapacity);
  readonly #items: (T | undefined)[] = [];
  /** Places in `#items` that are not used. */
  readonly #vacant: number[] = [];

  /** @param comesFirst which of two items with equal keys is the smaller; unless given their order is left open */
  constructor(private readonly comesFirst?: (a: T, b: T) => boolean) {}

  get size(): number {
    return this.#size;
  }

  /** The smallest item; undefined when empty. */
  peek(): T | undefined {
    return this.#size === 0 ? undefined : this.#items[this.#places[0] ?? 0];
  }

  /** Key of the smallest item; Infinity when empty. */
  get leastKey(): number {
    return this.keyAt(0);
  }

  /** Position 0 is the smallest; the children of i are `firstChild(i)` and those after it. Infinity past the end. */
  keyAt(position: number): number {
    return position < this.#size ? (this.#keys[position] ?? 0) : Number.POSITIVE_INFINITY;
  }

  static firstChild(position: number): number {
    return arity * position + 1;
  }

  push(key: number, item: T): void {
    if (this.#size === this.#keys.length) this.#resize(2 * this.#size);
    const place = this.#vacant.pop() ?? this.#items.length;
    this.#items[place] = item;
    this.#rise(this.#size, key, place);
    this.#size += 1;
  }

  /** Takes the smallest item out; undefined when empty. */
  pop(): T | undefined {
    if (this.#size === 0) return undefined;
    const place = this.#places[0] ?? 0;
    const least = this.#items[place];
    this.#items[place] = undefined;
    this.#vacant.push(place);
    this.#size -= 1;
    const size = this.#size;
    if (size === 0) this.clear();
    else this.#fillTop(this.#keys[size] ?? 0, this.#places[size] ?? 0);
    return least;
  }

  /** Everything, in no order; the heap is empty then. */
  drain(): T[] {
    const all = this.#items.filter((item) => item !== undefined);
    this.clear();
    return all;
  }

  clear(): void {
    this.#size = 0;
    this.#items.length = 0;
    this.#vacant.length = 0;
  }

  /** Adds the same to every key. */
  shiftKeys(by: number): void {
    for (let i = 0; i < this.#size; i += 1) this.#keys[i] = (this.#keys[i] ?? 0) + by;
  }

  #rise(from: number, key: number, place: number): void {
    const keys = this.#keys;
    const places = this.#places;
    let position = from;
    while (position > 0) {
      const parent = (position - 1) >> 2;
      const parentKey = keys[parent] ?? 0;
      const parentPlace = places[parent] ?? 0;
      if (parentKey < key || (parentKey === key && !this.#precedes(place, parentPlace))) break;
      keys[position] = parentKey;
      places[position] = parentPlace;
      position = parent;
    }
    keys[position] = key;
    places[position] = place;
  }

  /**
   * Puts what was last in the heap where the smallest was. The hole sinks to a leaf first and the item rises from there:
   * it was a leaf before, so it rarely rises far, and no level compares it on the way down.
   */
  #fillTop(key: number, place: number): void {
    const keys = this.#keys;
    const places = this.#places;
    const size = this.#size;
    let hole = 0;
    for (let first = 1; first < size; first = arity * hole + 1) {
      const end = Math.min(first + arity, size);
      let best = first;
      let bestKey = keys[first] ?? 0;
      for (let child = first + 1; child < end; child += 1) {
        const childKey = keys[child] ?? 0;
        if (childKey < bestKey || (childKey === bestKey && this.#precedes(places[child] ?? 0, places[best] ?? 0))) {
          best = child;
          bestKey = childKey;
        }
      }
      keys[hole] = bestKey;
      places[hole] = places[best] ?? 0;
      hole = best;
    }
    this.#rise(hole, key, place);
  }

  #precedes(place: number, other: number): boolean {
    if (this.comesFirst === undefined) return false;
    const a = this.#items[place];
    const b = this.#items[other];
    return a !== undefined && b !== undefined && this.comesFirst(a, b);
  }

  #resize(capacity: number): void {
    const keys = new Float64Array(capacity);
    keys.set(this.#keys);
    this.#keys = keys;
    const places = new Int32Array(capacity);
    places.set(this.#places);
    this.#places = places;
  }
}
