/** Refusals: counted, and answered where they may be answered. Cheap, or an ingest that is behind would fall further behind. */
import {
  type Bus,
  type BusMessage,
  type Clock,
  contentTypeOf,
  frameError,
  headerNames,
  type SlacklineError,
  Subjects,
} from '@slackline/shared';
import type { Counters } from './counters.js';

export class Refusals {
  /** @param retryAfterMs what a producer is told to wait where the refusal itself knows no better */
  constructor(
    private readonly bus: Pick<Bus, 'publish'>,
    private readonly clock: Clock,
    private readonly counters: Counters,
    private readonly retryAfterMs: () => number,
  ) {}

  /** @param queryId the producer's, or that which its query was given here; undefined where it has none yet */
  refuse(message: BusMessage, queryId: string | undefined, error: SlacklineError, retryAfterMs?: number): void {
    const { reply } = message;
    // What is after an answer elsewhere gets none.
    const told = reply !== undefined && error.code !== 'forbidden_reply';
    this.counters.refuse(error, Subjects.lastToken(message.subject), told, this.clock.now());
    if (!told) return;
    const framed = frameError(answerType(message), error, {
      queryId,
      ...(error.code === 'overloaded' && { retryAfterMs: retryAfterMs ?? this.retryAfterMs() }),
    });
    this.bus.publish(reply, framed.data, { headers: framed.headers });
  }
}

/** The content type that a refusal is written for: the query's, if it has one of ours. */
function answerType(message: BusMessage): string {
  try {
    return contentTypeOf(message.headers.get(headerNames.contentType));
  } catch {
    return '';
  }
}
