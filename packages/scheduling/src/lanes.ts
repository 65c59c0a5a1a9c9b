/**
 * Queries in lanes: one heap of deadlines per accuracy level. A batch on a given subnet may take from lane 0 up to the
 * subnet's own; a tree over the lanes finds the most urgent of any such range in O(log lanes), however many minima there
 * are, and counts it too.
 */
import { FrontedHeap } from './fronted-heap.js';
import type { Query } from './query.js';

/** Among equal deadlines, who was accepted first. */
const acceptedFirst = (a: Query, b: Query) => a.sequence < b.sequence;

/** Both ends included. */
export interface LaneRange {
  readonly least: number;
  readonly most: number;
}

export class Lanes<Q extends Query> {
  /** Made when they are first used. */
  readonly #heaps: (FrontedHeap<Q> | undefined)[];
  /** Leaves of the tree: a power of two. */
  readonly #leaves: number;
  /** By node (1 is the root, the children of i are 2i and 2i + 1): the lane whose head is most urgent, -1 for none. */
  readonly #winner: Int32Array;
  /** By node: that head's deadline. */
  readonly #deadlineMs: Float64Array;
  /** By node: queries below it. */
  readonly #count: Int32Array;
  /** By lane: no deadline in it lies later; -Infinity when it is empty. */
  readonly #latestMs: Float64Array;

  constructor(lanes: number) {
    this.#heaps = new Array<FrontedHeap<Q> | undefined>(lanes).fill(undefined);
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(1, lanes)));
    this.#winner = new Int32Array(2 * this.#leaves).fill(-1);
    this.#deadlineMs = new Float64Array(2 * this.#leaves).fill(Number.POSITIVE_INFINITY);
    this.#count = new Int32Array(2 * this.#leaves);
    this.#latestMs = new Float64Array(lanes).fill(Number.NEGATIVE_INFINITY);
  }

  get size(): number {
    return this.#count[1] ?? 0;
  }

  /** The heaps of the lanes `least` to `most`, those that were never used left out. */
  heapsWithin({ least, most }: LaneRange): FrontedHeap<Q>[] {
    const heaps: FrontedHeap<Q>[] = [];
    for (let lane = least; lane < this.#heaps.length && lane <= most; lane += 1) {
      const heap = this.#heaps[lane];
      if (heap !== undefined) heaps.push(heap);
    }
    return heaps;
  }

  /** The most urgent query of a lane. */
  peek(lane: number): Q | undefined {
    return this.#heaps[lane]?.peek();
  }

  /** Its deadline; Infinity when the lane is empty. */
  deadlineMs(lane: number): number {
    return this.#deadlineMs[this.#leaves + lane] ?? Number.POSITIVE_INFINITY;
  }

  push(query: Q, lane: number): void {
    let heap = this.#heaps[lane];
    if (heap === undefined) {
      heap = new FrontedHeap<Q>(acceptedFirst);
      this.#heaps[lane] = heap;
    }
    heap.push(query.deadlineMs, query);
    this.#latestMs[lane] = Math.max(this.#latestMs[lane] ?? Number.NEGATIVE_INFINITY, query.deadlineMs);
    this.#settle(lane, 1);
  }

  pop(lane: number): Q | undefined {
    const query = this.#heaps[lane]?.pop();
    if (query === undefined) return undefined;
    this.#settle(lane, -1);
    if (this.#count[this.#leaves + lane] === 0) this.#latestMs[lane] = Number.NEGATIVE_INFINITY;
    return query;
  }

  /** Of the lanes 0 to `most` the one that holds the most urgent query; -1 when all are empty. */
  mostUrgentLane(most: number): number {
    if (most < 0) return -1;
    if (most >= this.#leaves - 1) return this.#winner[1] ?? -1;
    // A node that holds no lane is never the more urgent; 0 is no node.
    let best = 0;
    let node = 1;
    for (let width = this.#leaves >> 1; width > 0; width >>= 1) {
      node *= 2;
      if ((most & width) === 0) continue;
      best = this.#moreUrgent(best, node);
      node += 1;
    }
    return this.#winner[this.#moreUrgent(best, node)] ?? -1;
  }

  /** Of the lanes `least` to `most` the one that holds the most urgent query; -1 when all are empty. O(lanes) unless `least` is 0. */
  mostUrgentWithin({ least, most }: LaneRange): number {
    if (least === 0) return this.mostUrgentLane(most);
    let best = 0;
    for (let lane = least; lane < this.#heaps.length && lane <= most; lane += 1) {
      best = this.#moreUrgent(best, this.#leaves + lane);
    }
    return this.#winner[best] ?? -1;
  }

  /** No deadline in the lanes `least` to `most` lies later; -Infinity when they are empty. It may be that of a query that has left. */
  latestWithin({ least, most }: LaneRange): number {
    let latestMs = Number.NEGATIVE_INFINITY;
    for (let lane = least; lane < this.#latestMs.length && lane <= most; lane += 1) {
      latestMs = Math.max(latestMs, this.#latestMs[lane] ?? latestMs);
    }
    return latestMs;
  }

  /** Queries in the lanes `least` to `most`. */
  countWithin({ least, most }: LaneRange): number {
    return this.countUpTo(most) - this.countUpTo(least - 1);
  }

  /** Queries in the lanes 0 to `most`. */
  countUpTo(most: number): number {
    if (most >= this.#leaves - 1) return this.size;
    if (most < 0) return 0;
    let total = 0;
    let node = 1;
    for (let width = this.#leaves >> 1; width > 0; width >>= 1) {
      node *= 2;
      if ((most & width) === 0) continue;
      total += this.#count[node] ?? 0;
      node += 1;
    }
    return total + (this.#count[node] ?? 0);
  }

  /** Brings the path from a lane to the root up to date. */
  #settle(lane: number, added: number): void {
    let node = this.#leaves + lane;
    this.#count[node] = (this.#count[node] ?? 0) + added;
    this.#winner[node] = (this.#count[node] ?? 0) > 0 ? lane : -1;
    this.#deadlineMs[node] = this.#heaps[lane]?.leastKey ?? Number.POSITIVE_INFINITY;
    for (node >>= 1; node >= 1; node >>= 1) {
      const first = this.#moreUrgent(2 * node, 2 * node + 1);
      this.#count[node] = (this.#count[node] ?? 0) + added;
      this.#winner[node] = this.#winner[first] ?? -1;
      this.#deadlineMs[node] = this.#deadlineMs[first] ?? Number.POSITIVE_INFINITY;
    }
  }

  /** Which of two nodes holds the more urgent head. */
  #moreUrgent(a: number, b: number): number {
    const aMs = this.#deadlineMs[a] ?? 0;
    const bMs = this.#deadlineMs[b] ?? 0;
    if (aMs !== bMs) return aMs < bMs ? a : b;
    const one = this.peek(this.#winner[a] ?? -1);
    const other = this.peek(this.#winner[b] ?? -1);
    return one === undefined || (other !== undefined && acceptedFirst(other, one)) ? b : a;
  }
}
