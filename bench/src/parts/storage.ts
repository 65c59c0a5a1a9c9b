/**
 * The same search for other streams and bodies: file storage, and queries of 150 kB. Fewer and shorter steps, one round; for
 * small bodies in memory once more, as short steps find other rates than long ones.
 */
import { partOf } from '../budget.js';
import { ceiling } from '../ceiling/index.js';
import type { Contender } from '../contender.js';
import { oneByOne, type PartContext } from '../context.js';
import { shortened } from '../pace.js';
import { found } from '../part.js';
import { beginning, rungOf } from '../search/ladder.js';
import { slackline } from '../slackline/system.js';
import type { Highest, NothingFound } from './highest.js';
import { inRounds } from './rounds.js';

const small = 784;
const large = 150_000;

export interface StorageCase {
  readonly storage: 'memory' | 'file';
  readonly payloadBytes: typeof small | typeof large;
}

export interface StorageFigures extends StorageCase {
  /** Of a step that counts. */
  readonly stepSeconds: number;
  readonly slackline: Highest | NothingFound;
  readonly ceiling: Highest | NothingFound;
  /** Slackline's rate over the ceiling's; undefined where one of them carried nothing. */
  readonly ratio: number | undefined;
}

const cases: readonly StorageCase[] = [
  { storage: 'memory', payloadBytes: small },
  { storage: 'file', payloadBytes: small },
  { storage: 'memory', payloadBytes: large },
  { storage: 'file', payloadBytes: large },
];
/** The same by the size of bodies. */
const beginnings = { [small]: beginning, [large]: { slackline: 400, ceiling: 600 } };
/** What is shorter than this is not begun. */
const leastSeconds = 15;

/** Rates that were carried, in queries a second; undefined where that is not known. */
type Carried = Readonly<Record<'slackline' | 'ceiling', number | undefined>>;

/**
 * Each case begins where a search of it ended, in this run or an earlier one; small bodies in files, where there was none, where
 * the search in memory did: a file carries less, and not much less. Otherwise the neighbourhood is looked for.
 *
 * @param inMemory what this run carried with small bodies in memory
 */
export function storages(
  inMemory: Carried,
  earlier: readonly StorageFigures[],
  context: PartContext,
): Promise<StorageFigures[]> {
  return oneByOne(cases, context, async (one, place) => {
    const time = partOf(context.time, context.time.left() / (cases.length - place));
    if (!time.has(leastSeconds)) {
      context.say(`no time for ${one.storage} storage with ${one.payloadBytes} B`);
      return undefined;
    }
    context.say(`${one.storage} storage, ${one.payloadBytes} B`);
    const before = earlier.find(({ storage, payloadBytes }) => isSame(one, { storage, payloadBytes }));
    const beside = one.payloadBytes === small ? inMemory : undefined;
    const now = one.storage === 'memory' ? beside : undefined;
    const carried = {
      slackline: now?.slackline ?? found(before?.slackline)?.qps ?? beside?.slackline,
      ceiling: now?.ceiling ?? found(before?.ceiling)?.qps ?? beside?.ceiling,
    };
    return oneCase(one, carried, { ...context, time });
  });
}

function isSame(a: StorageCase, b: StorageCase): boolean {
  return a.storage === b.storage && a.payloadBytes === b.payloadBytes;
}

async function oneCase(one: StorageCase, carried: Carried, context: PartContext) {
  const pace = shortened(context.pace);
  const from = beginnings[one.payloadBytes];
  const turn = (contender: Contender, name: 'slackline' | 'ceiling') => {
    const known = carried[name];
    return { contender, from: rungOf(known ?? from[name]), isNear: known !== undefined };
  };
  const turns = [turn(slackline(context.choices), 'slackline'), turn(ceiling, 'ceiling')];
  const { slackline: ours, ceiling: bare } = await inRounds(turns, one, { ...context, pace });
  if (ours === undefined || bare === undefined) throw new Error('a contender was not run');
  const [oursFound, bareFound] = [found(ours), found(bare)];
  const ratio = oursFound && bareFound && oursFound.qps / bareFound.qps;
  return { ...one, stepSeconds: pace.stepSeconds, slackline: ours, ceiling: bare, ratio };
}
