/** The queries of one model in earliest-deadline-first order. */
import TinyQueue from 'tinyqueue';
import type { Query } from './query.js';

/** Earlier deadline first; among equals, who was accepted first. */
export function byDeadline(a: Query, b: Query): number {
  return a.deadlineMs - b.deadlineMs || a.sequence - b.sequence;
}

/**
 * Two heaps. Queries that a lost worker held (`deaths` > 0) wait apart from the others, because they run alone: if one of
 * them is what killed the worker, it takes no neighbours along. Every operation is O(log n) per query.
 */
export class EdfQueue<Q extends Query> {
  readonly #together = new TinyQueue<Q>([], byDeadline);
  readonly #alone = new TinyQueue<Q>([], byDeadline);

  get size(): number {
    return this.#together.length + this.#alone.length;
  }

  push(query: Q): void {
    (query.deaths > 0 ? this.#alone : this.#together).push(query);
  }

  /** The most urgent query. */
  head(): Q | undefined {
    return this.#mostUrgent().peek();
  }

  /** How many could run in one batch with the head. */
  get runnableWithHead(): number {
    const heap = this.#mostUrgent();
    return heap === this.#alone ? Math.min(1, heap.length) : heap.length;
  }

  /**
   * Removes the head and those that run with it, most urgent first: at most `most` queries, and at most `mostBytes` of
   * bodies unless the head alone is larger.
   */
  take(most: number, mostBytes = Number.POSITIVE_INFINITY): Q[] {
    const heap = this.#mostUrgent();
    const count = Math.min(most, this.runnableWithHead);
    const taken: Q[] = [];
    let bytes = 0;
    while (taken.length < count) {
      const next = heap.peek();
      if (next === undefined || (taken.length > 0 && bytes + next.bytes > mostBytes)) break;
      bytes += next.bytes;
      taken.push(next);
      heap.pop();
    }
    return taken;
  }

  /** Removes every query whose deadline lies before `deadlineMs`, most urgent first within each heap. */
  takeBefore(deadlineMs: number): Q[] {
    const taken: Q[] = [];
    for (const heap of [this.#alone, this.#together]) {
      for (let head = heap.peek(); head !== undefined && head.deadlineMs < deadlineMs; head = heap.peek()) {
        taken.push(head);
        heap.pop();
      }
    }
    return taken;
  }

  /** Deadline of the k-th most urgent, from 0. */
  deadlineMsAt(k: number): number {
    const deadlines = [...this.#together.data, ...this.#alone.data].map((query) => query.deadlineMs);
    return deadlines.sort((a, b) => a - b)[k] ?? Number.POSITIVE_INFINITY;
  }

  #mostUrgent(): TinyQueue<Q> {
    const alone = this.#alone.peek();
    if (alone === undefined) return this.#together;
    const together = this.#together.peek();
    return together === undefined || byDeadline(alone, together) < 0 ? this.#alone : this.#together;
  }
}
