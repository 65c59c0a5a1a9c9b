/** Ends what was held of a stream that the broker lost: nobody else can. */
import { type Bus, type Clock, type Log, SlacklineError, type Subjects } from '@slackline/shared';
import type { HeldQuery } from './held-query.js';
import { Outcomes } from './outcomes.js';
import type { SaidAnswers } from './said.js';
import type { Tally } from './tally.js';

interface Parts {
  bus: Bus;
  subjects: Subjects;
  clock: Clock;
  log: Log;
  said: SaidAnswers;
  tally: Tally;
}

/**
 * For a term that is over. No lease is asked for: the stream that it guards is another one. Those whose answers were to be stored are
 * told nothing, as stored answers were lost with it.
 *
 * @returns how many producers were told
 */
export function tellLost(held: readonly HeldQuery[], { bus, subjects, clock, log, said, tally }: Parts): number {
  const outcomes = new Outcomes(
    ...([bus, subjects, clock, log, said] as const),
    (act, given) => act(given),
    (_, outcome) => {
      tally.outcomes[outcome] += 1;
    },
  );
  const queries = held.filter(({ replyTo }) => replyTo !== undefined);
  for (const query of queries) {
    const what = `The broker was restarted, and had query ${query.id} in memory`;
    outcomes.fail(query, new SlacklineError('query_lost', what));
  }
  return queries.length;
}
