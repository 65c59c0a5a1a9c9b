/** Claim check: bodies too large for a batch command stay in the stream, and the worker fetches them by sequence. */
import { type BatchAnswer, type BatchCommand, type Bus, type BusMessage, headerNames } from '@slackline/shared';
import type { QueryBody } from './executors/executor.js';

/** A query with its body, or why there is none. */
export type FetchedQuery = QueryBody | { error: string };

/** The queries of a command with their bodies, in order; undefined where one at least has to be fetched. */
export function bodiesInHand(queries: BatchCommand['queries']): QueryBody[] | undefined {
  const bodies: QueryBody[] = [];
  for (const { contentType, payload } of queries) {
    if (payload === null) return undefined;
    bodies.push({ contentType, body: payload });
  }
  return bodies;
}

/**
 * The same where some are to be fetched, all at once. A message that is gone is that query's error alone; throws what the bus
 * throws when it cannot say.
 */
export async function fetchBodies(bus: Bus, stream: string, queries: BatchCommand['queries']): Promise<FetchedQuery[]> {
  return Promise.all(
    queries.map(async ({ id, contentType, payload, sequence }): Promise<FetchedQuery> => {
      if (payload !== null) return { contentType, body: payload };
      const stored = await bus.readMessage(stream, sequence);
      if (stored === undefined) return { error: `The query’s body is no longer in the stream (sequence ${sequence})` };
      if (!isOf(id, stored)) return { error: `Another query’s body is in the stream at sequence ${sequence}` };
      return { contentType, body: stored.data };
    }),
  );
}

/**
 * Whether a stored message is that query's, whose id stands behind its tenant's name there. A scheduler of an earlier version
 * counts by another stream, and one that was made anew counts from 1 again.
 */
function isOf(id: string, { headers }: BusMessage): boolean {
  const messageId = headers.get(headerNames.messageId) ?? '';
  return messageId === id || messageId.endsWith(`.${id}`);
}

const noAnswer = { error: 'The executor gave no answer' };

/** An answer for each query: the executor's, in order, to those that had a body. */
export function answersOf(fetched: readonly FetchedQuery[], answers: readonly BatchAnswer[]): BatchAnswer[] {
  let at = 0;
  return fetched.map((query) => ('error' in query ? query : (answers[at++] ?? noAnswer)));
}
