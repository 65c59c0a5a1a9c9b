/** A query that the scheduler holds: a message of the stream, un-acked, as the queue needs it. */

import type { Query } from '@slackline/scheduling';
import { contentTypes, headerNames, SlacklineError, type StreamMessage, Subjects } from '@slackline/shared';

export interface HeldQuery extends Query {
  message: StreamMessage;
  readonly contentType: string;
  /** When the stream stored it, in broker time. */
  readonly acceptedMs: number;
  /** Where the answer goes: a reply subject, or a key in the RESULTS stream. */
  readonly replyTo: string | undefined;
  readonly resultKey: string;
}

/** What a body that stays in the stream adds to a batch command: its sequence number. */
const claimBytes = 16;

/**
 * Reads what ingest stamped.
 * @throws SlacklineError `bad_message` when something else wrote to the stream
 */
export function holdQuery(message: StreamMessage, claimAboveBytes: number): HeldQuery {
  const { headers, sequence, timestampMs } = message;
  const id = headers.get(headerNames.messageId);
  const budgetMs = Number(headers.get(headerNames.budgetMs));
  if (id === undefined || !(budgetMs > 0)) {
    throw new SlacklineError('bad_message', `Message ${sequence} of the query stream has no id or no budget`);
  }
  const size = message.data.length;
  return {
    id,
    model: Subjects.lastToken(message.subject),
    deadlineMs: timestampMs + budgetMs,
    sequence,
    bytes: size > claimAboveBytes ? claimBytes : size,
    deaths: 0,
    message,
    contentType: headers.get(headerNames.contentType) ?? contentTypes.bytes,
    acceptedMs: timestampMs,
    replyTo: headers.get(headerNames.replyTo),
    resultKey: headers.get(headerNames.resultKey) ?? id,
  };
}
