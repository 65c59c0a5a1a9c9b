/** The parts of the bench: what each runs, how much of the time it gets, and where its figures go. */
import { ceiling } from './ceiling/index.js';
import type { PartContext } from './context.js';
import { type BusDocument, found, type NotRun, ratioOf } from './document.js';
import { type CpuProfile, shares } from './flame/index.js';
import type { Options, PartName } from './options.js';
import { costs } from './parts/cost.js';
import { overhead } from './parts/overhead.js';
import { comparedPeers } from './parts/peers.js';
import { inRounds } from './parts/rounds.js';
import { storages } from './parts/storage.js';
import { peakOverMean, tracePart } from './parts/trace.js';
import { rungOf } from './search/ladder.js';
import { slackline } from './slackline/system.js';

/** What a job may know beside its context. */
export interface Known {
  /** What this run found so far. */
  readonly document: BusDocument;
  readonly earlier: BusDocument | undefined;
  readonly options: Options;
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

/** Where searches begin, and what later parts take when nothing was measured; in queries a second. */
const guess = { slackline: 8_750, ceiling: 14_000 };
/** Functions in the table of a profile. */
const listedFunctions = 20;
/** Small bodies, and streams in memory. */
const settings = { storage: 'memory', payloadBytes: 784 } as const;

export const jobs: readonly Job[] = [
  {
    parts: ['slackline', 'ceiling'],
    weight: { full: 345, quick: 26 },
    async run(context, { options }) {
      const turns = [
        { contender: slackline(context.choices), from: rungOf(guess.slackline) },
        { contender: ceiling, from: rungOf(guess.ceiling) },
      ].filter(({ contender }) => (options.only as readonly string[]).includes(contender.name));
      const { slackline: ours, ceiling: bare } = await inRounds(turns, settings, context);
      const ratio = ours && bare && ratioOf(ours, bare);
      return { ...(ours && { slackline: ours }), ...(bare && { ceiling: bare }), ...(ratio && { ratio }) };
    },
    without: (why, { only }) => ({
      ...(only.includes('slackline') && { slackline: why }),
      ...(only.includes('ceiling') && { ceiling: why }),
    }),
  },
  {
    parts: ['overhead'],
    weight: { full: 20, quick: 8 },
    run: async (context) => ({ overheadMs: await overhead(context) }),
    without: (why) => ({ overheadMs: why }),
  },
  {
    parts: ['cost'],
    weight: { full: 50, quick: 18 },
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
    weight: { full: 110, quick: 40 },
    async run(context, known) {
      const from = { slackline: highest('slackline', known) / 2, ceiling: highest('ceiling', known) / 2 };
      return { storage: await storages(from, context) };
    },
    without: (why) => ({ storage: why }),
  },
  {
    parts: ['peers'],
    weight: { full: 90, quick: 60 },
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

/** What this run measured, or an earlier one; else a guess. */
function highest(name: 'slackline' | 'ceiling', { document, earlier }: Known): number {
  return found(document[name])?.qps || found(earlier?.[name])?.qps || guess[name];
}
