/**
 * The streams, with their bounds. ingest and scheduler both make sure of them at start, from the same variables, so that
 * either may come first.
 */
import { z } from 'zod';
import type { Bus } from './bus/bus.js';
import { type CommonConfig, listFrom, numberFrom } from './config.js';
import { namePattern, type Subjects } from './subjects.js';

/** The bounds of the streams, for the configuration of every service that calls `ensureStreams`. */
export const streamsConfig = z.object({
  /**
   * Accepted queries without an outcome, of QUERIES and of CLAIMS each; a producer that comes when they are reached is refused as
   * overloaded.
   */
  MAX_QUEUED: numberFrom(z.number().int().min(1)).default(100_000),
  MAX_QUEUED_BYTES: numberFrom(z.number().int().min(1_024)).default(256 * 1024 * 1024),
  /** Of CLAIMS. */
  MAX_CLAIMED_BYTES: numberFrom(z.number().int().min(1_024)).default(256 * 1024 * 1024),
  /** How long the broker knows a query id: a repeated publish within it is stored once. */
  DUPLICATE_WINDOW_MS: numberFrom(z.number().int().min(1_000)).default(30_000),
  /** Stored answers for producers without a reply subject; the oldest go first. */
  MAX_RESULTS: numberFrom(z.number().int().min(1)).default(1_000_000),
  MAX_RESULTS_BYTES: numberFrom(z.number().int().min(1_024)).default(512 * 1024 * 1024),
  RESULTS_MAX_AGE_MS: numberFrom(z.number().int().min(1_000)).default(3_600_000),
  /** Tenants with accounts of their own (docs/security.md); each has a stream of stored answers, with these bounds. */
  TENANTS: listFrom.pipe(z.array(z.string().regex(namePattern))).default([]),
});
export type StreamsConfig = z.infer<typeof streamsConfig>;

/** An answer that is published again (a leader died between answer and ack) is stored once within this time. */
const resultsDuplicateWindowMs = 120_000;

/** Creates QUERIES, CLAIMS, RESULTS and CLOCK, or brings them to `config`. Throws `bus_failed` where the broker refuses. */
export async function ensureStreams(
  bus: Bus,
  subjects: Subjects,
  config: StreamsConfig & Pick<CommonConfig, 'STORAGE' | 'REPLICAS'>,
): Promise<void> {
  const common = { storage: config.STORAGE, replicas: config.REPLICAS } as const;
  const accepted = [
    { name: subjects.stores.queries, subject: subjects.queries('*'), maxBytes: config.MAX_QUEUED_BYTES },
    { name: subjects.stores.claims, subject: subjects.claims('*'), maxBytes: config.MAX_CLAIMED_BYTES },
  ];
  for (const { name, subject, maxBytes } of accepted) {
    await bus.ensureStream({
      ...common,
      name,
      // What no consumer would be given is not stored: nobody could ever ack it.
      subjects: [subject],
      retention: 'workqueue',
      // Full is an answer: the producer is told, and nothing that was accepted is pushed out.
      discard: 'new',
      maxMessages: config.MAX_QUEUED,
      maxBytes,
      duplicateWindowMs: config.DUPLICATE_WINDOW_MS,
    });
  }
  const results = [
    { name: subjects.stores.results, subject: subjects.allResults },
    ...config.TENANTS.map((tenant) => ({
      name: subjects.resultsOf(tenant),
      subject: subjects.ofTenant(tenant, 'results.>'),
    })),
  ];
  for (const { name, subject } of results) {
    await bus.ensureStream({
      ...common,
      name,
      subjects: [subject],
      retention: 'limits',
      discard: 'old',
      maxMessages: config.MAX_RESULTS,
      maxBytes: config.MAX_RESULTS_BYTES,
      maxAgeMs: config.RESULTS_MAX_AGE_MS,
      duplicateWindowMs: Math.min(resultsDuplicateWindowMs, config.RESULTS_MAX_AGE_MS),
    });
  }
  await bus.ensureStream({
    ...common,
    name: subjects.stores.clock,
    subjects: [subjects.clock],
    retention: 'limits',
    discard: 'old',
    // Only the timestamp of the newest message matters, and nobody misses it after a restart.
    storage: 'memory',
    maxMessages: 1,
  });
}

/** What was accepted: the sum of QUERIES and CLAIMS. Throws what the bus throws, as when the broker is away. */
export async function acceptedQueries(bus: Pick<Bus, 'streamState'>, { stores }: Subjects): Promise<Accepted> {
  const states = await Promise.all([stores.queries, stores.claims].map((stream) => bus.streamState(stream)));
  return {
    waiting: states.reduce((sum, { messages }) => sum + messages, 0),
    ever: states.reduce((sum, { lastSequence }) => sum + lastSequence, 0),
  };
}

export interface Accepted {
  /** Accepted queries without an outcome. */
  waiting: number;
  /** Grows by one with each query that is accepted. */
  ever: number;
}
