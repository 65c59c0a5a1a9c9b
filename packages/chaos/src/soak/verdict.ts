/** The verdict on a soak: what must hold over all of it, each with what shows it. */
import { counted } from '../count.js';
import type { Invariant } from '../verdict/invariant.js';
import type { Findings } from './findings.js';
import { backAtLevel, filesBack } from './levels.js';
import { type Books, endedOf, summed } from './load/ledger.js';
import { memoryBack } from './memory.js';
import type { RoundFigures, SoakRun } from './run.js';

export interface SoakVerdict {
  verdict: 'pass' | 'fail';
  checks: Invariant[];
}

export function verdictOnSoak(run: SoakRun): SoakVerdict {
  const checks = [
    checkOf('every accepted query has exactly one outcome', accounting(run)),
    checkOf('no duplicate is visible', duplicates(run)),
    checkOf('every answer and every refusal is the one to expect', complaints(run)),
    checkOf('processes end only when they are told to, and in order', processes(run)),
    checkOf('everything comes to rest', rest(run)),
    checkOf('streams, buckets and consumers are back at their level', backAtLevel(run)),
    checkOf('file descriptors are back at their level', filesBack(run)),
    checkOf('memory does not grow', memoryBack(run)),
  ];
  return { verdict: checks.some(({ state }) => state === 'fail') ? 'fail' : 'pass', checks };
}

function checkOf(name: string, findings: Findings | undefined): Invariant {
  if (findings === undefined) return { name, state: 'untested', evidence: ['this system does not tell'] };
  const { wrong, said } = findings;
  return { name, state: wrong.length === 0 ? 'pass' : 'fail', evidence: [...wrong, ...said] };
}

/** By the stream and by the producers; what the two say may differ only where a killed broker took answers along. */
function accounting({ rounds }: SoakRun): Findings {
  const wrong = rounds.flatMap((round, index) => {
    const missing = missingOf(round);
    const most = round.brokerKilled ? round.books.unanswered : 0;
    if (missing >= 0 && missing <= most) return [];
    const { accepted, books } = round;
    const suspects =
      books.suspects.length === 0 ? '' : `; of these nothing was heard again: ${books.suspects.join(', ')}`;
    return [
      `round ${index}: accepted ${accepted}, and ${endedOf(books)} have an outcome (${most} may lack it)${suspects}`,
    ];
  });
  const books = summed(rounds.map((round) => round.books));
  for (const [index, round] of rounds.entries()) {
    const { sent, toStore, stored } = round.books;
    const rest = restOf(round.books);
    if (rest === 0 && stored <= toStore) continue;
    wrong.push(`round ${index}: of ${sent} sent ${rest} are nowhere in the books (${stored} of ${toStore} stored)`);
  }
  const { ok, late, expired, failed } = books.outcomes;
  const accepted = rounds.reduce((sum, round) => sum + round.accepted, 0);
  if (accepted === 0) wrong.push('nothing was accepted: this soak shows nothing');
  const missing = rounds.reduce((sum, round) => sum + missingOf(round), 0);
  const lost = missing === 0 ? '' : ` + ${missing} whose answer a killed broker took along`;
  return {
    wrong,
    said: [
      `accepted ${accepted} = ok ${ok} + late ${late} + expired ${expired} + failed ${failed}${lost}`,
      `sent ${books.sent} = with an outcome ${endedOf(books)} + refused ${refusedOf(books)} + without any word ${books.unanswered}` +
        ` + to be stored, and never were ${books.toStore - books.stored}; ${books.stored} of the answers were stored` +
        (books.unread === 0 ? '' : `, ${books.unread} of them too late to be read`) +
        (books.missed === 0 ? '' : `; ${books.missed} were said while their producer’s connection was away`),
    ],
  };
}

/** Accepted, and without an outcome that anybody saw. */
export const missingOf = ({ accepted, books }: RoundFigures): number => accepted - endedOf(books);

const refusedOf = ({ refused }: Books): number => Object.values(refused).reduce((sum, count) => sum + count, 0);

/** Sent, and neither with an outcome, nor refused, nor silent, nor a query for storage (nobody is told what becomes of it). */
const restOf = (books: Books): number =>
  books.sent - endedOf(books) - refusedOf(books) - books.unanswered - (books.toStore - books.stored);

function duplicates({ rounds }: SoakRun): Findings {
  const { duplicatesVisible, secondAnswers } = summed(rounds.map(({ books }) => books));
  return {
    wrong: duplicatesVisible === 0 ? [] : [`${duplicatesVisible} queries were ended twice in their producer’s eyes`],
    said: [`visible to producers twice: ${duplicatesVisible}; second answers on the wire: ${secondAnswers}`],
  };
}

function complaints({ complaints: wrong, rounds }: SoakRun): Findings {
  const { refused } = summed(rounds.map(({ books }) => books));
  const codes = Object.entries(refused).map(([code, count]) => `${code} ${count}`);
  return { wrong, said: [`refusals: ${codes.sort().join(', ')}`] };
}

function processes({ badEnds, failedStarts, quiets, expected, faults }: SoakRun): Findings {
  const wrong = badEnds.map(({ name, atMs, how, lastLines }) => {
    const last = lastLines.at(-1);
    return `${name} ${how} at ${seconds(atMs)}${last === undefined ? '' : `: ${last.slice(0, 300)}`}`;
  });
  for (const { name: window, processes: there } of quiets) {
    const missing = expected.filter((name) => !there.some((each) => each.name === name));
    if (missing.length > 0) wrong.push(`${window}: ${missing.join(', ')} did not run`);
  }
  const undone = faults.filter(({ error }) => error !== null);
  return {
    wrong,
    said: [
      `${counted(faults.length - undone.length, 'fault')} done`,
      ...failedStarts.map(
        ({ name, atMs, how }) => `${name} could not start at ${seconds(atMs)}, and was started again: ${how}`,
      ),
      ...undone.map(({ planned, error }) => `not done: ${planned.kind} ${planned.role} (${error?.split('\n').at(-1)})`),
    ],
  };
}

function rest({ quiets }: SoakRun): Findings {
  const wrong = quiets.flatMap(({ name, restAfterMs, tables }) =>
    restAfterMs === null ? [`${name}: not at rest within the limit (${JSON.stringify(tables)})`] : [],
  );
  // The last window also waits for what is stored to become too old.
  const slowest = Math.max(0, ...quiets.slice(0, -1).map(({ restAfterMs }) => restAfterMs ?? 0));
  return { wrong, said: [`${quiets.length} quiet windows; the longest way to rest took ${seconds(slowest)}`] };
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
