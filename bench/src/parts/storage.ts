/**
 * The same for other streams and bodies: file storage, and queries of 150 kB. Fewer and shorter steps, one round; after its search
 * each system is asked what it adds to a query, and what one costs.
 */
import { partOf } from '../budget.js';
import { ceiling } from '../ceiling/index.js';
import type { Contender } from '../contender.js';
import { oneByOne, type PartContext } from '../context.js';
import type { Percentiles } from '../latency.js';
import { type Pace, shortened } from '../pace.js';
import { found } from '../part.js';
import { Probes } from '../probe/probes.js';
import { beginning, rungOf } from '../search/ladder.js';
import { slackline } from '../slackline/system.js';
import type { Stage } from '../stage.js';
import { type CostAt, costAt, costShare } from './cost.js';
import type { Highest, NothingFound } from './highest.js';
import { fewQueries } from './overhead.js';
import { inRounds, type Turn } from './rounds.js';

const small = 784;
const large = 150_000;

export interface StorageCase {
  readonly storage: 'memory' | 'file';
  readonly payloadBytes: typeof small | typeof large;
}

/** What is measured after the searches; earlier results have none of it, and where there was no time it is not there. */
interface Afterwards {
  /** What everything but the device adds to a query, of few a second. */
  overheadMs?: Percentiles | undefined;
  /** What one takes through bare relays, of as few. */
  relaysMs?: Percentiles | undefined;
  /** At three quarters of the rate that was found. */
  cost?: CostAt;
}

export interface StorageFigures extends StorageCase, Readonly<Afterwards> {
  /** Of a step that counts. */
  readonly stepSeconds: number;
  readonly slackline: Highest | NothingFound;
  readonly ceiling: Highest | NothingFound;
  /** Slackline's rate over the ceiling's; undefined where one of them carried nothing. */
  readonly ratio: number | undefined;
}

/** Small bodies in memory are what the other parts measure. */
const cases: readonly StorageCase[] = [
  { storage: 'file', payloadBytes: small },
  { storage: 'memory', payloadBytes: large },
  { storage: 'file', payloadBytes: large },
];
/** The same by the size of bodies. */
const beginnings = { [small]: beginning, [large]: { slackline: 400, ceiling: 600 } };
/** What is shorter than this is not begun. */
const leastSeconds = 30;
/** So many rungs below what is known the first step is, at 90 %: there may be time for one or two. */
const belowKnown = 2;
/** Of a step, beside its own seconds. */
const marginSeconds = 0.5;

/** Rates that were carried, in queries a second; undefined where that is not known. */
type Carried = Readonly<Record<'slackline' | 'ceiling', number | undefined>>;

/**
 * Small bodies in files begin near where this run's search in memory ended: a file carries less, and not much less. The other cases
 * begin near where an earlier search of them did; where there was none the neighbourhood is looked for.
 *
 * @param inMemory what this run carried with small bodies in memory
 */
export async function storages(
  inMemory: Carried,
  earlier: readonly StorageFigures[],
  context: PartContext,
): Promise<StorageFigures[]> {
  const probes = await Probes.open();
  try {
    return await oneByOne(cases, context, async (one, place) => {
      const time = partOf(context.time, context.time.left() / (cases.length - place));
      if (!time.has(leastSeconds)) {
        context.say(`no time for ${one.storage} storage with ${one.payloadBytes} B`);
        return undefined;
      }
      context.say(`${one.storage} storage, ${one.payloadBytes} B`);
      const before = earlier.find(({ storage, payloadBytes }) => isSame(one, { storage, payloadBytes }));
      return oneCase(one, carriedBefore(one, inMemory, before), probes, { ...context, time });
    });
  } finally {
    probes.close();
  }
}

function carriedBefore(one: StorageCase, inMemory: Carried, before: StorageFigures | undefined): Carried {
  const beside = one.payloadBytes === small ? inMemory : undefined;
  const of = (name: 'slackline' | 'ceiling') => beside?.[name] ?? found(before?.[name])?.qps;
  return { slackline: of('slackline'), ceiling: of('ceiling') };
}

function isSame(a: StorageCase, b: StorageCase): boolean {
  return a.storage === b.storage && a.payloadBytes === b.payloadBytes;
}

async function oneCase(one: StorageCase, carried: Carried, probes: Probes, context: PartContext) {
  const pace = shortened(context.pace);
  const from = beginnings[one.payloadBytes];
  const afterwards: Afterwards = {};
  const turn = (contender: Contender, name: 'slackline' | 'ceiling', then: Turn['afterwards']): Turn => {
    const known = carried[name];
    return {
      contender,
      from: known === undefined ? rungOf(from[name]) : rungOf(known) - belowKnown,
      isNear: known !== undefined,
      ...(then && { afterwards: then }),
    };
  };
  const { nodeOptions, env } = probes;
  const { slackline: ours, ceiling: bare } = await inRounds(
    [
      turn(slackline({ ...context.choices, nodeOptions, env }), 'slackline', oursAfterwards(pace, probes, afterwards)),
      turn(ceiling, 'ceiling', relaysAfterwards(pace, afterwards)),
    ],
    one,
    { ...context, pace },
  );
  if (ours === undefined || bare === undefined) throw new Error('a contender was not run');
  const [oursFound, bareFound] = [found(ours), found(bare)];
  const ratio = oursFound && bareFound && oursFound.qps / bareFound.qps;
  return { ...one, stepSeconds: pace.stepSeconds, slackline: ours, ceiling: bare, ratio, ...afterwards };
}

function oursAfterwards({ measureSeconds }: Pace, probes: Probes, into: Afterwards): Turn['afterwards'] {
  return {
    seconds: 4 * (measureSeconds + marginSeconds),
    async measure(stage: Stage, qps) {
      into.overheadMs = (await stage.step('step', fewQueries(measureSeconds))).overheadMs;
      if (qps === undefined) return;
      const step = await stage.step('step', { rate: Math.round(costShare * qps), seconds: measureSeconds });
      into.cost = await costAt(step, stage, probes);
    },
  };
}

function relaysAfterwards({ measureSeconds }: Pace, into: Afterwards): Turn['afterwards'] {
  return {
    seconds: measureSeconds + marginSeconds,
    async measure(stage: Stage) {
      into.relaysMs = (await stage.step('step', fewQueries(measureSeconds))).roundTripMs;
    },
  };
}
