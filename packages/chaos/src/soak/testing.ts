/** A soak in which everything went as it should, for tests to spoil. */
import type { InjectedFault } from '../inject/injector.js';
import { type Books, emptyBooks } from './load/ledger.js';
import type { ProcessLevel, QuietWindow } from './rest.js';
import type { SoakRun } from './run.js';

const names = ['profiler', 'ingest-0', 'scheduler-0', 'gpu-worker-0', 'nats-server'];
const mebibyte = 2 ** 20;

export function goodBooks(more: Partial<Books> = {}): Books {
  return {
    ...emptyBooks(),
    sent: 100,
    outcomes: { ok: 80, late: 5, expired: 5, failed: 0 },
    refused: { empty_body: 10 },
    ...more,
  };
}

export function goodWindow(name: string, fromMs: number): QuietWindow {
  const processes = names.map(
    (each, index): ProcessLevel => ({
      ...{ name: each, pid: index + 2, fds: 20, threads: 11, rssBytes: 80 * mebibyte },
      heapBytes: each === 'nats-server' ? undefined : 20 * mebibyte,
    }),
  );
  const keys = { kind: 'keys' as const, messages: 4, bytes: 2_000, lastSequence: 4, consumers: ['a', 'b'] };
  return {
    ...{ name, fromMs, toMs: fromMs + 5_000, restAfterMs: 1_500, processes },
    tables: {
      ...{ ingestInFlight: 0, schedulerQueued: 0, schedulerInFlight: 0, workers: 1, busyWorkers: 0, hasLeader: true },
    },
    stores: [
      { name: 'QUERIES', kind: 'stream', messages: 0, bytes: 0, lastSequence: 90, consumers: ['scheduler-1'] },
      { name: 'CLOCK', kind: 'stream', messages: 1, bytes: 20, lastSequence: 9, consumers: [] },
      { name: 'profiles', ...keys },
    ],
  };
}

export function goodRun(): SoakRun {
  const round = { fromMs: 0, toMs: 60_000, accepted: 90, brokerKilled: false };
  return {
    options: {
      ...{ minutes: 6, seed: 1, workers: 1, schedulers: 1, ingests: 1, rate: 10, producers: 1, everyMs: 1_000 },
    },
    rounds: [
      { ...round, books: goodBooks() },
      { ...round, books: goodBooks() },
    ],
    faults: [fault()],
    quiets: Array.from({ length: 6 }, (_, i) => goodWindow(`window ${i}`, 60_000 * (i + 1))),
    ...{ lives: [], badEnds: [], failedStarts: [], complaints: [], producersCame: 3, natsVersion: '2.9.10' },
    ...{ elapsedMs: 400_000, expected: names },
  };
}

export function fault(): InjectedFault {
  const planned = { atMs: 1_000, kind: 'kill', role: 'worker', victim: { draw: 1 }, restoreMs: 500 } as const;
  return { planned, victim: 'gpu-worker-0', led: false, atMs: 1_000, wholeAtMs: 2_000, error: null };
}
