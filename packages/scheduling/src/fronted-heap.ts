/**
 * A heap whose first few items lie sorted in front of it. Taking them is O(1) and touches memory in order; sifting, which
 * touches a cache line for each level, happens when something is put in, a little at a time. So a decision that takes a
 * batch out of a hundred thousand waits for none of it.
 *
 * push is O(log n) and O(front) where an item belongs into the front; pop is O(1) as long as pushes keep the front filled, else
 * O(log n).
 */
import { KeyHeap } from './key-heap.js';

/** The front is filled up to this many, and takes in at most `mostInFront`; beyond that its last ones go back. */
const wanted = 64;
const mostInFront = 128;
/** Room for taking from the one end and appending at the other; when it is used up the front moves to its beginning. */
const room = 4 * mostInFront;
/** Moved into the front by one push: more than comes in, so that it fills. */
const movedByPush = 2;

/** Positions as in a `KeyHeap`: no item comes before the one at (position - 1) / arity. */
export type Keyed = Pick<KeyHeap<unknown>, 'keyAt'>;

export class FrontedHeap<T> {
  readonly #heap: KeyHeap<T>;
  /** The front in order, from `#first` to before `#end`. */
  readonly #keys = new Float64Array(room);
  readonly #items = new Array<T | undefined>(room).fill(undefined);
  #first = 0;
  #end = 0;
  /** Front and heap for whoever wants the first few in order: sorted keys are a heap too. */
  readonly keyed: readonly Keyed[];

  /** @param comesFirst which of two items with equal keys is the smaller */
  constructor(private readonly comesFirst: (a: T, b: T) => boolean) {
    this.#heap = new KeyHeap<T>(comesFirst);
    this.keyed = [{ keyAt: (position) => this.#keyInFront(position) }, this.#heap];
  }

  get size(): number {
    return this.#end - this.#first + this.#heap.size;
  }

  /** The smallest item; undefined when empty. */
  peek(): T | undefined {
    return this.#first < this.#end ? this.#items[this.#first] : this.#heap.peek();
  }

  /** Key of the smallest item; Infinity when empty. */
  get leastKey(): number {
    return this.#first < this.#end ? (this.#keys[this.#first] ?? 0) : this.#heap.leastKey;
  }

  push(key: number, item: T): void {
    if (this.#first < this.#end && !this.#isBehind(this.#end - 1, key, item)) this.#insert(key, item);
    else this.#heap.push(key, item);
    for (let moved = 0; moved < movedByPush && this.#end - this.#first < wanted && this.#heap.size > 0; moved += 1) {
      const least = this.#heap.leastKey;
      this.#append(least, this.#heap.pop());
    }
  }

  /** Takes the smallest item out; undefined when empty. */
  pop(): T | undefined {
    if (this.#first === this.#end) return this.#heap.pop();
    const item = this.#items[this.#first];
    this.#items[this.#first] = undefined;
    this.#first += 1;
    return item;
  }

  /** Everything, in no order; the heap is empty then. */
  drain(): T[] {
    const front = this.#items.slice(this.#first, this.#end).filter((item) => item !== undefined);
    this.#items.fill(undefined);
    this.#first = 0;
    this.#end = 0;
    return [...front, ...this.#heap.drain()];
  }

  #keyInFront(position: number): number {
    const at = this.#first + position;
    return at < this.#end ? (this.#keys[at] ?? 0) : Number.POSITIVE_INFINITY;
  }

  /** Whether the new item comes after the one there. */
  #isBehind(at: number, key: number, item: T): boolean {
    const there = this.#keys[at] ?? 0;
    if (key !== there) return key > there;
    const other = this.#items[at];
    return other !== undefined && this.comesFirst(other, item);
  }

  /** Into its place in the front, from behind: most new deadlines are late ones. */
  #insert(key: number, item: T): void {
    this.#append(key, item);
    let at = this.#end - 1;
    for (; at > this.#first && !this.#isBehind(at - 1, key, item); at -= 1) {
      this.#keys[at] = this.#keys[at - 1] ?? 0;
      this.#items[at] = this.#items[at - 1];
    }
    this.#keys[at] = key;
    this.#items[at] = item;
    if (this.#end - this.#first <= mostInFront) return;
    this.#end -= 1;
    const last = this.#items[this.#end];
    this.#items[this.#end] = undefined;
    if (last !== undefined) this.#heap.push(this.#keys[this.#end] ?? 0, last);
  }

  #append(key: number, item: T | undefined): void {
    if (this.#end === room) {
      const count = this.#end - this.#first;
      this.#keys.copyWithin(0, this.#first, this.#end);
      this.#items.copyWithin(0, this.#first, this.#end);
      this.#items.fill(undefined, count);
      this.#first = 0;
      this.#end = count;
    }
    this.#keys[this.#end] = key;
    this.#items[this.#end] = item;
    this.#end += 1;
  }
}
