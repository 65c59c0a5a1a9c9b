/** Claim check: bodies too large for a batch command stay in the stream, and the worker fetches them by sequence. */
import type { BatchCommand, Bus } from '@slackline/shared';
import type { QueryBody } from './executors/executor.js';

/** A query with its body, or why there is none. */
export type FetchedQuery = QueryBody | { error: string };

/**
 * The queries of a command with their bodies, in order. A message that is gone is that query's error alone; throws what
 * the bus throws when it cannot say.
 */
export async function fetchBodies(bus: Bus, stream: string, queries: BatchCommand['queries']): Promise<FetchedQuery[]> {
  return Promise.all(
    queries.map(async ({ contentType, payload, sequence }): Promise<FetchedQuery> => {
      if (payload !== null) return { contentType, body: payload };
      const stored = await bus.readMessage(stream, sequence);
      if (stored === undefined) return { error: `The query’s body is no longer in the stream (sequence ${sequence})` };
      return { contentType, body: stored.data };
    }),
  );
}
