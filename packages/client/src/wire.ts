/** Names, numbers and the broker's own words, between the client and the wire. */
import { type BusMessage, headerNames, namePattern, quote, SlacklineError } from '@slackline/shared';

/** Whether the broker itself says that nobody serves the subject: an empty message with none of our headers. */
export function isNobody({ data, headers }: BusMessage): boolean {
  const isEmpty = data.length === 0 && !headers.isDamaged;
  return isEmpty && headers.get(headerNames.outcome) === undefined && headers.get(headerNames.errorCode) === undefined;
}

/** The refusal of a query that no ingest was there for. */
export function nobodyListens() {
  const { code, message, status } = new SlacklineError('no_responders', 'No ingest takes queries');
  return { outcome: 'refused', code, message, status, retryAfterMs: undefined } as const;
}

/** The refusal of a query whose subject, or whose answer's, NATS does not permit to this producer. */
export function notPermitted({ code, message, status }: SlacklineError) {
  return { outcome: 'refused', code, message, status, retryAfterMs: undefined } as const;
}

/** A name that becomes part of a subject or header. Throws `wrong_header`. */
export function checked(what: string, name: string): string {
  if (namePattern.test(name)) return name;
  throw new SlacklineError('wrong_header', `The ${what} ${quote(name)} is not 1 to 64 letters, digits, - or _`);
}
