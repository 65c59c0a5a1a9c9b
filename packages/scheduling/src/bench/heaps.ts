/** Whether heaps of our own are worth it: 16 of many random deadlines are taken, and 16 new ones put in. */
import TinyQueue from 'tinyqueue';
import { byDeadline } from '../edf-queue.js';
import { FrontedHeap } from '../fronted-heap.js';
import { KeyHeap } from '../key-heap.js';
import type { Query } from '../query.js';
import { randomFrom } from './backlog.js';

export interface HeapTimes {
  readonly queued: number;
  readonly heaps: readonly HeapTime[];
}

export interface HeapTime {
  readonly name: string;
  /** Median microseconds to take 16 queries, and to put 16 in. */
  readonly takeUs: number;
  readonly putUs: number;
}

interface Heap {
  push(query: Query): void;
  pop(): Query | undefined;
}

const batch = 16;
const acceptedFirst = (a: Query, b: Query) => a.sequence < b.sequence;

function timed(name: string, heap: Heap, queued: number, rounds: number): HeapTime {
  const random = randomFrom(1);
  let sequence = 0;
  let fromMs = 0;
  const put = () => {
    sequence += 1;
    const deadlineMs = fromMs + 1_000 * random();
    heap.push({
      id: 'q',
      model: 'm',
      deadlineMs,
      sloMs: 36,
      sequence,
      bytes: 1,
      minAccuracy: 0,
      priority: 1,
      deaths: 0,
    });
  };
  for (let i = 0; i < queued; i += 1) put();
  const takes: number[] = [];
  const puts: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const beganMs = performance.now();
    for (let i = 0; i < batch; i += 1) fromMs = heap.pop()?.deadlineMs ?? fromMs;
    const takenMs = performance.now();
    for (let i = 0; i < batch; i += 1) put();
    takes.push(1_000 * (takenMs - beganMs));
    puts.push(1_000 * (performance.now() - takenMs));
  }
  const median = (samples: number[]) => samples.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0;
  return { name, takeUs: median(takes), putUs: median(puts) };
}

function own(heap: KeyHeap<Query> | FrontedHeap<Query>): Heap {
  return { push: (query) => heap.push(query.deadlineMs, query), pop: () => heap.pop() };
}

export function heapTimes(quick: boolean): HeapTimes[] {
  const rounds = quick ? 2_000 : 10_000;
  return (quick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000]).map((queued) => ({
    queued,
    heaps: [
      timed('with a front', own(new FrontedHeap<Query>(acceptedFirst)), queued, rounds),
      timed('without', own(new KeyHeap<Query>(acceptedFirst)), queued, rounds),
      timed('tinyqueue', new TinyQueue<Query>([], byDeadline), queued, rounds),
    ],
  }));
}
