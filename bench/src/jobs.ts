/** The parts of the bench: what each runs, how much of the time it gets, and where its figures go. */
import { ceiling } from './ceiling/index.js';
import { type PartContext, Skipped } from './context.js';
import { type BusDocument, ratioOf } from './document.js';
import { type CpuProfile, shares } from './flame/index.js';
import type { Options, PartName } from './options.js';
import { found, type NotRun } from './part.js';
import { costs } from './parts/cost.js';
import { overhead } from './parts/overhead.js';
import { comparedPeers } from './parts/peers.js';
import { inRounds } from './parts/rounds.js';
import { storages } from './parts/storage.js';
import { peakOverMean, tracePart } from './parts/trace.js';
import { beginning, rungOf } from './search/ladder.js';
import { slackline } from './slackline/system.js';

/** What a job may know beside its context. */
export interface Known {
  /** What this run found so far. */
  readonly document: BusDocument;
  readonly earlier: BusDocument | undefined;
  readonly options: Options;
  /** What was taken for a rate that nobody had measured: a job adds to it. */
  readonly guessed: string[];
  /** CPU profiles by process: what a job adds is drawn. */
  readonly profiles: Record<string, CpuProfile>;
}

export interface Job {
  readonly parts: readonly PartName[];
  /** About how many seconds it takes in a run of ten minutes, and in one of a minute. */
  readonly weight: { readonly full: number; readonly quick: number };
  run(context: PartContext, known: Known): Promise<Partial<BusDocument>>;
  /** What the document holds when it has no figures. */
  without(why: NotRun, options: Options): Partial<BusDocument>;
}

/** What the parts of a quick run take where nothing was measured. */
const guess = { slackline: 3_000, ceiling: 6_000 };
/** Functions in the table of a profile. */
const listedFunctions = 20;
/** Small bodies, and streams in memory. */
const settings = { storage: 'memory', payloadBytes: 784 } as const;

export const jobs: readonly Job[] = [
  {
    parts: ['slackline', 'ceiling'],
    weight: { full: 340, quick: 30 },
    async run(context, { options }) {
      const turns = [
        { contender: slackline(context.choices), from: rungOf(beginning.slackline) },
        { contender: ceiling, from: rungOf(beginning.ceiling) },
      ].filter(({ contender }) => (options.only as readonly string[]).includes(contender.name));
      const { slackline: ours, ceiling: bare } = await inRounds(turns, settings, context);
      const [oursFound, bareFound] = [found(ours), found(bare)];
      const ratio = oursFound && bareFound && ratioOf(oursFound, bareFound);
      return { ...(ours && { slackline: ours }), ...(bare && { ceiling: bare }), ...(ratio && { ratio }) };
    },
    without: (why, { only }) => ({
      ...(only.includes('slackline') && { slackline: why }),
      ...(only.includes('ceiling') && { ceiling: why }),
    }),
  },
  {
    parts: ['overhead'],
    weight: { full: 58, quick: 20 },
    run: async (context) => ({ overheadMs: await overhead(context) }),
    without: (why) => ({ overheadMs: why }),
  },
  {
    parts: ['cost'],
    weight: { full: 45, quick: 18 },
    async run(context, known) {
      const { latency, cost, atFull, profiles } = await costs(highest('slackline', known), context);
      Object.assign(known.profiles, profiles);
      const ours = found(known.document.slackline);
      return {
        ...(ours && { slackline: { ...ours, latency } }),
        cost: { ...cost, latency, atFull },
        profiles: Object.fromEntries(
          Object.entries(profiles).map(([name, profile]) => [name, shares(profile, listedFunctions)]),
        ),
      };
    },
    without: (why) => ({ cost: why }),
  },
  {
    parts: ['storage'],
    weight: { full: 150, quick: 40 },
    async run(context, known) {
      const { document, earlier } = known;
      const small = { slackline: found(document.slackline)?.qps, ceiling: found(document.ceiling)?.qps };
      return { storage: await storages(small, found(earlier?.storage) ?? [], context) };
    },
    without: (why) => ({ storage: why }),
  },
  {
    parts: ['peers'],
    weight: { full: 105, quick: 60 },
    run: async (context) => ({ peers: await comparedPeers(context) }),
    without: (why) => ({ peers: why }),
  },
  {
    parts: ['trace'],
    weight: { full: 1_000, quick: 60 },
    async run(context, known) {
      const { rate, data, quick } = known.options;
      const mean = rate ?? highest('slackline', known) / peakOverMean;
      return { trace: await tracePart(Math.round(mean), { data, isQuick: quick }, context) };
    },
    without: (why) => ({ trace: why }),
  },
];

/**
 * What this run measured, or an earlier one; a quick run guesses, and says so.
 * @throws Skipped where nobody knows
 */
function highest(name: 'slackline' | 'ceiling', { document, earlier, options, guessed }: Known): number {
  const measured = found(document[name])?.qps ?? found(earlier?.[name])?.qps;
  if (measured !== undefined) return measured;
  if (!options.quick) throw new Skipped(`measure ${name} first: its highest rate is not known`);
  const text = `${name}: ${guess[name]} queries a second`;
  if (!guessed.includes(text)) guessed.push(text);
  return guess[name];
}
