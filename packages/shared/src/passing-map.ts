/**
 * A map that entries pass through, thousands of them a second. In a plain Map each of them would live on: V8 builds the table of
 * a Map anew again and again as entries come and go, and once one of them has reached the old generation it makes all its
 * successors there, where the dead ones keep alive what was in them until the next full collection. So here are two maps, and a
 * new one takes the place of the older every so often.
 */

/** Short of what comes between two collections of the young generation; more where so many stay that moving them would cost. */
const leastEntriesEach = 1_024;

export class PassingMap<K, V> {
  #newer = new Map<K, V>();
  #older = new Map<K, V>();
  #room = leastEntriesEach;

  get size(): number {
    return this.#newer.size + this.#older.size;
  }

  get(key: K): V | undefined {
    return this.#newer.get(key) ?? this.#older.get(key);
  }

  has(key: K): boolean {
    return this.#newer.has(key) || this.#older.has(key);
  }

  /** Enters a key that is not in the map. */
  add(key: K, value: V): void {
    if (this.#room-- === 0) this.#renew();
    this.#newer.set(key, value);
  }

  delete(key: K): void {
    if (!this.#newer.delete(key)) this.#older.delete(key);
  }

  clear(): void {
    this.#newer.clear();
    this.#older.clear();
  }

  /** In no order. What is deleted meanwhile is left out; nothing may be added meanwhile. */
  *values(): IterableIterator<V> {
    yield* this.#older.values();
    yield* this.#newer.values();
  }

  #renew(): void {
    const stayed = this.#older;
    this.#older = this.#newer;
    this.#newer = stayed.size === 0 ? new Map() : new Map(stayed);
    this.#room = Math.max(leastEntriesEach, this.size) - 1;
  }
}
