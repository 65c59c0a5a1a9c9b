/** Quiet windows: waiting until nothing is on its way any more, and the levels of everything then. */
import type { Bus, Subjects } from '@slackline/shared';
import { type StoreSample, sampleStores } from '../watch/stores.js';
import type { Tables, TablesSample } from '../watch/tables.js';
import { median } from '../watch/trend.js';
import type { ProcessLife, TimedSample, Watch, Watched } from '../watch/watch.js';
import { sleep } from './sleep.js';

/** The level of one process over a quiet window: medians; what the system does not tell is undefined. */
export interface ProcessLevel {
  name: string;
  pid: number;
  rssBytes: number | undefined;
  /** After a collection of all garbage, at the window's beginning; undefined for what is no service. */
  heapBytes: number | undefined;
  fds: number | undefined;
  threads: number | undefined;
}

export interface QuietWindow {
  /** `before`, `after round 1`, … */
  name: string;
  /** From the soak's start: when everything had come to rest, and the end of the window. */
  fromMs: number;
  toMs: number;
  /** How long it took from the last query to rest; null: it did not within its limit. */
  restAfterMs: number | null;
  tables: TablesSample;
  stores: StoreSample[];
  processes: ProcessLevel[];
}

export interface RestParts {
  bus: Bus;
  subjects: Subjects;
  watch: Watch;
  tables: Tables;
  /** Bytes on the heaps of services, by process id. */
  heapsOf: (services: readonly Watched[]) => Promise<Map<number, number>>;
  /** How many workers the leader must know. */
  workers: number;
  /** Waits so long for rest. */
  limitMs: number;
}

/** As the broker is called among the processes of a soak. */
export const brokerName = 'nats-server';
const lookEveryMs = 100;
const summaryMs = 1_100;

/**
 * Waits until the queue is empty, nothing is in flight and the leader knows all workers, stays for `quietMs`, and tells the
 * levels. @param emptied streams that must have become empty too
 */
export async function quiet(
  name: string,
  quietMs: number,
  parts: RestParts,
  emptied: readonly string[] = [],
): Promise<QuietWindow> {
  const { watch, bus, subjects, tables } = parts;
  const beginMs = watch.elapsedMs;
  const rested = await untilRest(parts, emptied);
  const fromMs = watch.elapsedMs;
  const living = watch.lives.filter(({ isAlive }) => isAlive);
  const heaps = await parts.heapsOf(living.filter((life) => life.name !== brokerName));
  await sleep(quietMs);
  await watch.look();
  const toMs = watch.elapsedMs;
  return {
    name,
    fromMs,
    toMs,
    restAfterMs: rested ? fromMs - beginMs : null,
    tables: tables.sample(),
    stores: await sampleStores(bus, subjects),
    processes: living.map((life) => levelOfLife(life, heaps.get(life.pid), watch.elapsedMs - quietMs, toMs)),
  };
}

/** Resolves when nothing is on its way any more; false: that did not come within the limit. */
export async function untilRest(parts: RestParts, emptied: readonly string[] = []): Promise<boolean> {
  const { bus, subjects, limitMs } = parts;
  const untilMs = performance.now() + limitMs;
  const { queries, claims } = subjects.stores;
  const streams = [queries, claims, ...emptied];
  while (performance.now() < untilMs) {
    if (await isAtRest(parts, streams, bus)) {
      // Twice in a row: a summary is up to a second old.
      await sleep(summaryMs);
      if (await isAtRest(parts, streams, bus)) return true;
    }
    await sleep(lookEveryMs);
  }
  return false;
}

async function isAtRest({ tables, workers }: RestParts, streams: readonly string[], bus: Bus): Promise<boolean> {
  const held = tables.sample();
  const { ingestInFlight, schedulerQueued, schedulerInFlight, busyWorkers, hasLeader } = held;
  if (!hasLeader || held.workers !== workers) return false;
  if (ingestInFlight + schedulerQueued + schedulerInFlight + busyWorkers > 0) return false;
  try {
    const states = await Promise.all(streams.map((stream) => bus.streamState(stream)));
    return states.every(({ messages }) => messages === 0);
  } catch {
    // The broker is not back yet.
    return false;
  }
}

function levelOfLife(
  { name, pid, samples }: ProcessLife,
  heapBytes: number | undefined,
  fromMs: number,
  toMs: number,
): ProcessLevel {
  const inside = samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  const of = (figure: (sample: TimedSample) => number | undefined) =>
    median(inside.flatMap((sample) => figure(sample) ?? []));
  return {
    name,
    pid,
    rssBytes: of(({ rssBytes }) => rssBytes),
    heapBytes,
    fds: of(({ fds }) => fds),
    threads: of(({ threads }) => threads),
  };
}
