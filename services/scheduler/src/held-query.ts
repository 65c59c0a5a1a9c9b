/** A query that the scheduler holds: a message of the stream, un-acked, as the queue needs it. */

import type { PriorityClass, Query } from '@slackline/scheduling';
import {
  constraintsIn,
  contentTypes,
  headerNames,
  namePattern,
  type Priority,
  SlacklineError,
  type StreamMessage,
  Subjects,
} from '@slackline/shared';

export interface HeldQuery extends Query {
  message: StreamMessage;
  readonly contentType: string;
  /** When the stream stored it, in broker time. */
  readonly acceptedMs: number;
  /** Where the answer goes: a reply subject, or a key in the RESULTS stream. */
  readonly replyTo: string | undefined;
  readonly resultKey: string;
}

/** No deadline lies further away; ingest allows less. */
const mostBudgetMs = 3_600_000;
/** A subject that answers may be published to: no wildcards, no spaces, nothing of the broker's own. */
const replyPattern = /^(?!\$)[^\s*>\0]+$/;

/** What a body that stays in the stream adds to a batch command: its sequence number. */
const claimBytes = 16;

const classes: Readonly<Record<Priority, PriorityClass>> = { low: 0, normal: 1, high: 2 };

/**
 * Reads what ingest stamped.
 * @throws SlacklineError `bad_message` or `wrong_constraint` when something else wrote to the stream
 */
export function holdQuery(message: StreamMessage, claimAboveBytes: number): HeldQuery {
  const { headers, sequence, timestampMs } = message;
  const id = headers.get(headerNames.messageId);
  const budgetMs = Number(headers.get(headerNames.budgetMs) ?? Number.NaN);
  const replyTo = headers.get(headerNames.replyTo);
  const resultKey = headers.get(headerNames.resultKey) ?? id ?? '';
  // A budget of zero is one that was used up on the way: it expires. What else is wrong was not written by ingest.
  const isReadable = id !== undefined && budgetMs >= 0 && budgetMs <= mostBudgetMs && namePattern.test(resultKey);
  if (!isReadable || (replyTo !== undefined && !replyPattern.test(replyTo))) {
    throw new SlacklineError('bad_message', `Message ${sequence} of the query stream has wrong headers`);
  }
  const { minAccuracy = 0, priority = 'normal' } = constraintsIn(headers);
  const size = message.data.length;
  return {
    id,
    model: Subjects.lastToken(message.subject),
    deadlineMs: timestampMs + budgetMs,
    sequence,
    bytes: size > claimAboveBytes ? claimBytes : size,
    minAccuracy,
    priority: classes[priority],
    deaths: 0,
    message,
    contentType: headers.get(headerNames.contentType) ?? contentTypes.bytes,
    acceptedMs: timestampMs,
    replyTo,
    resultKey,
  };
}
