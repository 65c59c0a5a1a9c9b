/** A query that the scheduler holds: a message of the stream, un-acked, as the queue needs it. */

import type { PriorityClass, Query } from '@slackline/scheduling';
import {
  constraintsIn,
  contentTypeOf,
  headerNames,
  isReplySubject,
  namePattern,
  type Priority,
  queryIdOf,
  SlacklineError,
  type StreamMessage,
  Subjects,
} from '@slackline/shared';

export interface HeldQuery extends Query {
  /** Its body stays in the stream, and the worker fetches it by sequence. */
  readonly isClaim: boolean;
  message: StreamMessage;
  readonly contentType: string;
  /** When the stream stored it, in broker time. */
  readonly acceptedMs: number;
  /** Where the answer goes: a reply subject, or a key in the RESULTS stream. */
  readonly replyTo: string | undefined;
  readonly resultKey: string;
  /** Whose it is; undefined where there are no tenants. */
  readonly tenant: string | undefined;
}

/** No deadline lies further away; ingest allows less. */
const mostBudgetMs = 3_600_000;

/** What a body that stays in the stream adds to a batch command: its sequence number. */
const claimBytes = 16;

const classes: Readonly<Record<Priority, PriorityClass>> = { low: 0, normal: 1, high: 2 };

/**
 * Reads what ingest stamped.
 *
 * @param isClaim whether its body stays in the stream
 * @throws SlacklineError `bad_message`, `wrong_constraint` or `unsupported_content_type` when something else wrote to the
 *   stream
 */
export function holdQuery(message: StreamMessage, isClaim: boolean): HeldQuery {
  const { headers, sequence, timestampMs } = message;
  const tenant = headers.get(headerNames.tenant);
  const id = queryIdOf(headers.get(headerNames.messageId) ?? '', tenant) ?? '';
  const budgetMs = Number(headers.get(headerNames.budgetMs) ?? Number.NaN);
  const replyTo = headers.get(headerNames.replyTo);
  const resultKey = headers.get(headerNames.resultKey) ?? id;
  // A budget of zero is one that was used up on the way: it expires. What else is wrong was not written by ingest.
  const model = Subjects.lastToken(message.subject);
  const isReadable =
    namePattern.test(id) &&
    namePattern.test(model) &&
    (tenant === undefined || namePattern.test(tenant)) &&
    budgetMs >= 0 &&
    budgetMs <= mostBudgetMs &&
    namePattern.test(resultKey);
  if (!isReadable || (replyTo !== undefined && !isReplySubject(replyTo))) {
    throw new SlacklineError('bad_message', `Message ${sequence} of the query stream has wrong headers`);
  }
  const { minAccuracy = 0, priority = 'normal' } = constraintsIn(headers);
  return {
    id,
    model,
    deadlineMs: timestampMs + budgetMs,
    sloMs: budgetMs,
    sequence,
    bytes: isClaim ? claimBytes : message.data.length,
    isClaim,
    minAccuracy,
    priority: classes[priority],
    deaths: 0,
    message,
    contentType: contentTypeOf(headers.get(headerNames.contentType)),
    acceptedMs: timestampMs,
    replyTo,
    resultKey,
    tenant,
  };
}

/** Why a query has failed that no third worker is given. */
export function lostTwice(query: HeldQuery): SlacklineError {
  return new SlacklineError('worker_lost', `Query ${query.id} was lost with ${query.deaths} workers`);
}
