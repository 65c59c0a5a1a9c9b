/** What can become of a publish, and why one is refused. */
import { hasCode, SlacklineError } from '@slackline/shared';

/** `unconfirmed`: nobody knows whether the stream holds the query, so nothing may be said. */
export type PublishResult = { is: 'stored' } | { is: 'unconfirmed' } | { is: 'refused'; error: SlacklineError };

export const stored: PublishResult = { is: 'stored' };
export const unconfirmed: PublishResult = { is: 'unconfirmed' };

// Made once: taking a stack trace for each of many refusals would cost more than the refusals.
export const tooMany = new SlacklineError('overloaded', 'As many queries as are allowed wait for the broker already');
export const away = new SlacklineError('unavailable', 'The broker is away');
export const tooSlow = new SlacklineError('overloaded', 'The broker takes longer now than the query has time');

export const duplicate = new SlacklineError('duplicate_query', 'The id of the query was used before');

/** A broker's refusal as the producer is told: the stream did not take the query. */
export function refusalOf(error: unknown): SlacklineError {
  if (hasCode(error, 'stream_full')) {
    return new SlacklineError('overloaded', 'The queue of accepted queries is full', { cause: error });
  }
  return new SlacklineError('unavailable', 'The stream did not take the query', { cause: error });
}
