/**
 * The same search for other streams and bodies: file storage, and queries of 150 kB. Fewer and shorter steps, one round; for
 * small bodies in memory once more, as short steps find other rates than long ones.
 */
import type { PartTime } from '../budget.js';
import { ceiling } from '../ceiling/index.js';
import { oneByOne, type PartContext } from '../context.js';
import { shortened } from '../pace.js';
import { found } from '../part.js';
import { rungOf } from '../search/ladder.js';
import { slackline } from '../slackline/system.js';
import type { Highest, NothingFound } from './highest.js';
import { inRounds } from './rounds.js';

export interface StorageCase {
  readonly storage: 'memory' | 'file';
  readonly payloadBytes: number;
}

export interface StorageFigures extends StorageCase {
  /** Of a step that counts. */
  readonly stepSeconds: number;
  readonly slackline: Highest | NothingFound;
  readonly ceiling: Highest | NothingFound;
  /** Slackline's rate over the ceiling's; undefined where one of them carried nothing. */
  readonly ratio: number | undefined;
}

const small = 784;
const large = 150_000;
const cases: readonly StorageCase[] = [
  { storage: 'memory', payloadBytes: small },
  { storage: 'file', payloadBytes: small },
  { storage: 'memory', payloadBytes: large },
  { storage: 'file', payloadBytes: large },
];
/** Where the search of the large bodies begins, in queries a second: at what is wanted, and at about what relays carry. */
const largeFrom = { slackline: 300, ceiling: 600 };
/** What is shorter than this is not begun. */
const leastSeconds = 15;

/** @param known what was carried with small bodies in memory, in queries a second */
export function storages(
  known: { slackline: number; ceiling: number },
  context: PartContext,
): Promise<StorageFigures[]> {
  return oneByOne(cases, context, async (one, place) => {
    const time = fraction(context.time, cases.length - place);
    if (!time.has(leastSeconds)) {
      context.say(`no time for ${one.storage} storage with ${one.payloadBytes} B`);
      return undefined;
    }
    context.say(`${one.storage} storage, ${one.payloadBytes} B`);
    return oneCase(one, one.payloadBytes === large ? largeFrom : known, { ...context, time });
  });
}

async function oneCase(one: StorageCase, from: { slackline: number; ceiling: number }, context: PartContext) {
  const pace = shortened(context.pace);
  // The long search has found the neighbourhood; a file carries less than memory, and not much less.
  const isNear = one.payloadBytes === small;
  const turns = [
    { contender: slackline(context.choices), from: rungOf(from.slackline), isNear },
    { contender: ceiling, from: rungOf(from.ceiling), isNear },
  ];
  const { slackline: ours, ceiling: bare } = await inRounds(turns, one, { ...context, pace });
  if (ours === undefined || bare === undefined) throw new Error('a contender was not run');
  const [oursFound, bareFound] = [found(ours), found(bare)];
  const ratio = oursFound && bareFound && oursFound.qps / bareFound.qps;
  return { ...one, stepSeconds: pace.stepSeconds, slackline: ours, ceiling: bare, ratio };
}

function fraction(time: PartTime, of: number): PartTime {
  const others = time.left() * (1 - 1 / of);
  const left = () => time.left() - others;
  return { left, has: (seconds) => left() >= seconds };
}
