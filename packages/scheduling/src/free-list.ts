/** Workers in the order in which they became free. A Set would walk over everything that was deleted at its front. */

interface Node<W> {
  readonly worker: W;
  before: Node<W> | undefined;
  after: Node<W> | undefined;
}

/** Every operation is O(1). The worker that an iteration has reached may be deleted meanwhile. */
export class FreeList<W> {
  readonly #nodes = new Map<W, Node<W>>();
  #first: Node<W> | undefined;
  #last: Node<W> | undefined;

  get size(): number {
    return this.#nodes.size;
  }

  /** At the end, unless it is in already. */
  add(worker: W): void {
    if (this.#nodes.has(worker)) return;
    const node: Node<W> = { worker, before: this.#last, after: undefined };
    if (this.#last === undefined) this.#first = node;
    else this.#last.after = node;
    this.#last = node;
    this.#nodes.set(worker, node);
  }

  delete(worker: W): void {
    const node = this.#nodes.get(worker);
    if (node === undefined) return;
    this.#nodes.delete(worker);
    const { before, after } = node;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
  }

  *[Symbol.iterator](): IterableIterator<W> {
    for (let node = this.#first; node !== undefined; node = node.after) yield node.worker;
  }
}
