/** Whether a heap of our own is worth it: filling a queue of random deadlines, and taking 16 and putting 16 new ones in. */
import TinyQueue from 'tinyqueue';
import { byDeadline } from '../edf-queue.js';
import { KeyHeap } from '../key-heap.js';
import type { Query } from '../query.js';
import { randomFrom } from './backlog.js';

export interface HeapTimes {
  readonly queued: number;
  /** Median microseconds to take 16 queries. */
  readonly ownUs: number;
  readonly tinyqueueUs: number;
}

interface Heap {
  push(query: Query): void;
  pop(): Query | undefined;
}

const batch = 16;

function takeUs(heap: Heap, queued: number, rounds: number): number {
  const random = randomFrom(1);
  let sequence = 0;
  let fromMs = 0;
  const put = () => {
    sequence += 1;
    const deadlineMs = fromMs + 1_000 * random();
    heap.push({ id: 'q', model: 'm', deadlineMs, sequence, bytes: 1, minAccuracy: 0, priority: 1, deaths: 0 });
  };
  for (let i = 0; i < queued; i += 1) put();
  const samples: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const beganMs = performance.now();
    for (let i = 0; i < batch; i += 1) fromMs = heap.pop()?.deadlineMs ?? fromMs;
    samples.push(1_000 * (performance.now() - beganMs));
    for (let i = 0; i < batch; i += 1) put();
  }
  return samples.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0;
}

function own(): Heap {
  const heap = new KeyHeap<Query>((a, b) => a.sequence < b.sequence);
  return { push: (query) => heap.push(query.deadlineMs, query), pop: () => heap.pop() };
}

export function heapTimes(quick: boolean): HeapTimes[] {
  const rounds = quick ? 2_000 : 10_000;
  return (quick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000]).map((queued) => ({
    queued,
    ownUs: takeUs(own(), queued, rounds),
    tinyqueueUs: takeUs(new TinyQueue<Query>([], byDeadline), queued, rounds),
  }));
}
