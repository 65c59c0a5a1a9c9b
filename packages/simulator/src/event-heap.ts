/**
 * What lies ahead, nearest first: a binary heap over typed arrays, so that an event costs no object. Events of one moment come out
 * in the order in which they were put in. O(log n) each way.
 */
export class EventHeap {
  #times = new Float64Array(64);
  #orders = new Float64Array(64);
  /** Kind, whom it concerns, and which of its lives or batches. */
  #facts = new Int32Array(64 * 3);
  #size = 0;
  #lastOrder = 0;
  /** Of the event that `pop` took out. */
  kind = 0;
  index = 0;
  version = 0;

  get size(): number {
    return this.#size;
  }

  /** Time of the nearest; Infinity when there is none. */
  get nextMs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] ?? 0);
  }

  push(atMs: number, kind: number, index: number, version: number): void {
    if (this.#size === this.#times.length) this.#grow();
    let hole = this.#size;
    this.#size += 1;
    this.#lastOrder += 1;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if ((this.#times[parent] ?? 0) <= atMs) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#set(hole, atMs, this.#lastOrder, kind, index, version);
  }

  /** Takes the nearest out; its facts are then in `kind`, `index` and `version`. There must be one. */
  pop(): void {
    const facts = this.#facts;
    this.kind = facts[0] ?? 0;
    this.index = facts[1] ?? 0;
    this.version = facts[2] ?? 0;
    this.#size -= 1;
    const last = this.#size;
    if (last === 0) return;
    const atMs = this.#times[last] ?? 0;
    const order = this.#orders[last] ?? 0;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#isBefore(child + 1, this.#times[child] ?? 0, this.#orders[child] ?? 0)) child += 1;
      if (!this.#isBefore(child, atMs, order)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#set(hole, atMs, order, facts[last * 3] ?? 0, facts[last * 3 + 1] ?? 0, facts[last * 3 + 2] ?? 0);
  }

  #isBefore(at: number, timeMs: number, order: number): boolean {
    const mine = this.#times[at] ?? 0;
    return mine < timeMs || (mine === timeMs && (this.#orders[at] ?? 0) < order);
  }

  #move(from: number, to: number): void {
    const facts = this.#facts;
    this.#set(
      to,
      this.#times[from] ?? 0,
      this.#orders[from] ?? 0,
      facts[from * 3] ?? 0,
      facts[from * 3 + 1] ?? 0,
      facts[from * 3 + 2] ?? 0,
    );
  }

  #set(at: number, timeMs: number, order: number, kind: number, index: number, version: number): void {
    this.#times[at] = timeMs;
    this.#orders[at] = order;
    this.#facts[at * 3] = kind;
    this.#facts[at * 3 + 1] = index;
    this.#facts[at * 3 + 2] = version;
  }

  #grow(): void {
    const length = this.#times.length * 2;
    const [times, orders, facts] = [this.#times, this.#orders, this.#facts];
    this.#times = new Float64Array(length);
    this.#orders = new Float64Array(length);
    this.#facts = new Int32Array(length * 3);
    this.#times.set(times);
    this.#orders.set(orders);
    this.#facts.set(facts);
  }
}
