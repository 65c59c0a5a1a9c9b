/** An admitted query as the stream gets it: its body untouched, and what ingest stamps on it. */
import {
  type BusMessage,
  type Constraints,
  type ContentType,
  constraintHeaders,
  contentTypes,
  HeaderLines,
  headerNames,
} from '@slackline/shared';
import type { AdmittedQuery } from './admission.js';
import type { OutgoingQuery } from './publisher.js';

/** A query on its way into the stream, and the message that it came in. */
export interface StampedQuery extends OutgoingQuery {
  id: string;
  message: BusMessage;
}

/** Who a query is from, and where its answer goes: into the stream of results without a reply subject. */
export interface Sender {
  tenant: string | undefined;
  reply: string | undefined;
}

/** Every query has one of these lines. */
const contentTypeLines = new Map<ContentType, HeaderLines>(
  Object.values(contentTypes).map((type) => [type, HeaderLines.of({ [headerNames.contentType]: type })]),
);

/**
 * @param constraints all that the query asks, by headers and by its body
 * @param place where it is to lie in the stream, and under which id
 */
export function stamped(
  query: AdmittedQuery,
  message: BusMessage,
  { tenant, reply }: Sender,
  constraints: Constraints,
  place: { subject: string; messageId: string },
): StampedQuery {
  const { id, body, deadlineMs, rootId, stage } = query;
  let headers = contentTypeLines.get(query.contentType) ?? HeaderLines.none;
  headers =
    reply === undefined
      ? headers.and(headerNames.resultKey, query.resultKey ?? id)
      : headers.and(headerNames.replyTo, reply);
  if (tenant !== undefined) headers = headers.and(headerNames.tenant, tenant);
  if (asksForSomething(constraints)) headers = headers.with(constraintHeaders(constraints));
  if (rootId !== undefined) headers = headers.and(headerNames.rootId, rootId);
  if (stage !== undefined) headers = headers.and(headerNames.stage, stage);
  return { id, message, subject: place.subject, messageId: place.messageId, body, deadlineMs, headers };
}

const asksForSomething = ({ minAccuracy, priority }: Constraints) =>
  minAccuracy !== undefined || priority !== undefined;
