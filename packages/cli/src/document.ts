/** The result of a run as a program reads it: `--json` prints it as the last line of standard output. */

import type { Figures } from '@slackline/load';
import { outcomes, priorities } from '@slackline/shared';
import { z } from 'zod';
import { grouped } from './view/text.js';

const count = z.int().min(0);
const share = z.number().min(0).max(1);
const ms = z.number().min(0);
const outcomeCounts = z.object({ ok: count, late: count, expired: count, failed: count });

export const runDocument = z.object({
  model: z.string(),
  /** Queries that were sent before the load, so that no figure is of code that has just been loaded; they count nowhere. */
  warmUpQueries: count,
  /** Queries that the producer sent. */
  published: count,
  /** Queries that QUERIES and CLAIMS stored: the growth of their last sequences, not a count of answers. */
  accepted: count,
  refused: z.object({ overloaded: count, other: count }),
  /** The same refusals by their code. */
  refusalCodes: z.record(z.string(), count),
  /** What the producer received. */
  outcomes: outcomeCounts,
  /** Queries that nothing came back for. */
  unanswered: count,
  /** Replies to queries that had one already. */
  duplicates: count,
  sloMs: z.number().positive(),
  /** Queries a second that were asked for, in the mean, and for how long. */
  rate: z.number().positive(),
  seconds: z.number().positive(),
  /** `trace` where a trace says it. */
  arrivalPattern: z.string(),
  /** The trace that `--trace` named. */
  trace: z.string().nullable(),
  /** Shape of the gamma distribution, 1 / CV²; null for the other patterns. */
  burstiness: z.number().positive().nullable(),
  seed: z.number(),
  /** In time in the broker's clock: ok / (accepted + overloaded). Null when there was no query. */
  attainment: share.nullable(),
  /** The same by the producer's own clock, from when a query was due to its receipt. */
  producerAttainment: share.nullable(),
  /** Mean of the profile's accuracy over the answers in time. */
  profiledAccuracy: share.nullable(),
  /** Share of the answers in time whose class is the label. Null where the executor computes nothing. */
  measuredAccuracy: share.nullable(),
  subnets: z.array(z.object({ model: z.string(), id: z.string(), accuracy: share, answers: count })),
  /** Answers by a subnet below the accuracy that their query asked for. */
  belowMinimum: count,
  /** The same counts by model and priority class. */
  groups: z.array(
    z.object({
      model: z.string(),
      priority: z.enum(priorities),
      published: count,
      refused: count,
      outcomes: outcomeCounts,
      profiledAccuracy: share.nullable(),
    }),
  ),
  /** From when a query was due to its answer, by the producer's clock. */
  latencyMs: z.object({ p50: ms, p99: ms }),
  /** How late the producer sent queries. */
  sendLagMs: z.object({ p99: ms, p999: ms, max: ms }),
  /** Worker processes that were started, and those that the scheduler gave up. */
  workers: count,
  workersLost: count,
  /** When a worker was ended on purpose, in milliseconds from the load's start. */
  workerKilledAtMs: ms.nullable(),
  executor: z.string(),
  /** The scheduling policy that was asked for. */
  policy: z.string(),
  /** Queries by when they were due, half a second each. */
  windows: z.array(z.object({ atMs: ms, sent: count, ok: count, refused: count, profiledAccuracy: share.nullable() })),
  /** Whether the run was stopped before its time. */
  interrupted: z.boolean(),
});
export type RunDocument = z.infer<typeof runDocument>;

/** What a run knows beside the producer's figures. */
export type RunFacts = Pick<
  RunDocument,
  | 'model'
  | 'warmUpQueries'
  | 'accepted'
  | 'sloMs'
  | 'rate'
  | 'seconds'
  | 'arrivalPattern'
  | 'trace'
  | 'burstiness'
  | 'seed'
  | 'workers'
  | 'workersLost'
  | 'workerKilledAtMs'
  | 'executor'
  | 'policy'
  | 'interrupted'
>;

/** Joins what the producer saw with what the system says of itself. */
export function toDocument(figures: Figures, facts: RunFacts): RunDocument {
  const answerable = facts.accepted + figures.refused.overloaded;
  const { ok } = figures.outcomes;
  return {
    ...facts,
    published: figures.published,
    refused: figures.refused,
    refusalCodes: figures.refusalCodes,
    outcomes: figures.outcomes,
    unanswered: figures.unanswered,
    duplicates: figures.duplicates,
    attainment: ratio(ok, answerable),
    producerAttainment: ratio(figures.inTimeByProducer, answerable),
    profiledAccuracy: ratio(figures.accuracySum, ok),
    measuredAccuracy: ratio(figures.right, figures.checked),
    subnets: figures.subnets,
    belowMinimum: figures.belowMinimum,
    groups: figures.groups.map(({ accuracySum, ...group }) => ({
      ...group,
      profiledAccuracy: ratio(accuracySum, group.outcomes.ok),
    })),
    latencyMs: { p50: figures.latencyMs.p50, p99: figures.latencyMs.p99 },
    sendLagMs: figures.lagMs,
    windows: figures.windows.map(({ accuracySum, ...window }) => ({
      ...window,
      profiledAccuracy: ratio(accuracySum, window.ok),
    })),
  };
}

/** Refused queries, for whatever reason. */
export function refusedOf({ refused }: Pick<RunDocument, 'refused'>): number {
  return refused.overloaded + refused.other;
}

/** Why queries were refused, most frequent first: `300 overloaded, 26 unreachable_accuracy`. */
export function refusalsText({ refusalCodes }: Pick<RunDocument, 'refusalCodes'>): string {
  const codes = Object.entries(refusalCodes).sort(([, a], [, b]) => b - a);
  return codes.map(([code, queries]) => `${grouped(queries)} ${code}`).join(', ');
}

/** Sum of the four outcomes. */
export function answersOf(counts: Figures['outcomes']): number {
  return outcomes.reduce((sum, outcome) => sum + counts[outcome], 0);
}

/** part / whole to six digits, or null of nothing. Sums of fractions may exceed the whole by rounding. */
function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.min(1, Math.round((part / whole) * 1e6) / 1e6);
}
