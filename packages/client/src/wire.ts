/** Names, numbers and the broker's own words, between the client and the wire. */
import {
  type BusMessage,
  type ErrorAnswer,
  headerNames,
  namePattern,
  type ParsedAnswer,
  quote,
  SlacklineError,
} from '@slackline/shared';
import type { RawAnswer, Timed } from './answer.js';

/** Whether the broker itself says that nobody serves the subject: an empty message with none of our headers. */
export function isNobody({ data, headers }: BusMessage): boolean {
  const isEmpty = data.length === 0 && !headers.isDamaged;
  return isEmpty && headers.get(headerNames.outcome) === undefined && headers.get(headerNames.errorCode) === undefined;
}

/** The refusal of a query that no ingest was there for. */
export function nobodyListens(): ErrorAnswer {
  const { code, message, status } = new SlacklineError('no_responders', 'No ingest takes queries');
  return { outcome: 'refused', queryId: undefined, code, message, status, retryAfterMs: undefined };
}

/** The refusal of a query whose subject, or whose answer's, NATS does not permit to this producer. */
export function notPermitted({ code, message, status }: SlacklineError): ErrorAnswer {
  return { outcome: 'refused', queryId: undefined, code, message, status, retryAfterMs: undefined };
}

/** A name that becomes part of a subject or header. Throws `wrong_header`. */
export function checked(what: string, name: string): string {
  if (namePattern.test(name)) return name;
  throw new SlacklineError('wrong_header', `The ${what} ${quote(name)} is not 1 to 64 letters, digits, - or _`);
}

/** The answer with the times of its query. It was made for this one query, so nothing is copied. */
export function timed(answer: ParsedAnswer, queryId: string, roundTripMs: number): RawAnswer {
  const told = answer as ParsedAnswer & Timed;
  told.queryId = queryId;
  told.roundTripMs = roundTripMs;
  return told;
}
