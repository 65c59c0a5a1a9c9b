/** An admitted query as the stream gets it: its body untouched, and what ingest stamps on it. */
import { type Constraints, constraintHeaders, type HeaderValues, headerNames, messageIdOf } from '@slackline/shared';
import type { AdmittedQuery } from './admission.js';
import type { OutgoingQuery } from './publisher.js';

/** Who a query is from, and where its answer goes: into the stream of results without a reply subject. */
export interface Sender {
  tenant: string | undefined;
  reply: string | undefined;
}

/**
 * @param subject of the query in the stream
 * @param constraints all that the query asks, by headers and by its body
 */
export function outgoingOf(
  query: AdmittedQuery,
  constraints: Constraints,
  { tenant, reply }: Sender,
  subject: string,
): OutgoingQuery {
  const to: HeaderValues = reply
    ? { [headerNames.replyTo]: reply }
    : { [headerNames.resultKey]: query.resultKey ?? query.id };
  return {
    subject,
    id: messageIdOf(query.id, tenant),
    body: query.body,
    deadlineMs: query.deadlineMs,
    headers: (budgetMs) => ({
      [headerNames.contentType]: query.contentType,
      [headerNames.budgetMs]: Math.max(0, budgetMs).toFixed(3),
      ...to,
      ...(tenant !== undefined && { [headerNames.tenant]: tenant }),
      ...constraintHeaders(constraints),
      ...query.passedOn,
    }),
  };
}
