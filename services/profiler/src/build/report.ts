/** What a build can say of itself: what it measured, how good its predictors were, what it cost. */
import { z } from 'zod';

const share = z.number().min(0).max(1);
const predictionError = z.object({ samples: z.int(), mae: z.number(), mape: z.number(), tau: z.number() });

/** Hypervolumes of a front by the accuracies it was chosen by, and by those on inputs that chose nothing. */
const hypervolumes = z.object({ heldOut: share, test: share });

const seedComparison = z.object({
  seed: z.int(),
  search: hypervolumes,
  uniform: hypervolumes,
  /** Of the uniform measurements, by held-out accuracy. */
  uniformFront: z.array(z.object({ cost: z.number(), accuracy: share })),
});
export type SeedComparison = z.infer<typeof seedComparison>;

export const buildReport = z.object({
  seed: z.int(),
  /** What the search held low: predicted latency on the machine of the build, or multiply-accumulates. */
  cost: z.enum(['latency', 'macs']),
  /** Configurations of the space, also those that mean the same subnet. */
  configurations: z.number(),
  /** Subnets whose accuracy was measured, in order, on a part of the held-out rows. */
  measured: z.array(
    z.object({
      id: z.string(),
      macs: z.number(),
      /** In the unit that the search held low: milliseconds for one row, or multiply-accumulates. */
      cost: z.number(),
      accuracy: share,
      /** What the predictor said before; absent for those drawn uniformly. */
      predicted: share.optional(),
    }),
  ),
  /** Those that were measured on all rows. */
  survivors: z.array(z.object({ id: z.string(), cost: z.number(), accuracy: share })),
  latency: z
    .object({
      coefficients: z.array(z.number()),
      rows: z.int(),
      error: predictionError,
      timed: z.array(z.object({ id: z.string(), measuredMs: z.number(), predictedMs: z.number() })),
    })
    .optional(),
  /** Of the accuracy predictor: in ten folds of what was measured, and of what the search picked before it was measured. */
  accuracy: z.object({ crossValidated: predictionError.optional(), picked: predictionError.optional() }),
  /** Share of the rectangle between smallest and largest subnet that the survivors' front covers. */
  hypervolume: share,
  /** The search against as many uniform measurements, for several seeds; absent unless it was asked for. */
  comparison: z.array(seedComparison).optional(),
  /** Of the build itself, without the comparison. */
  work: z.object({
    /** Measurements that a time budget left of those asked for; absent without one. */
    budgetLeft: z.object({ measurements: z.int(), budgetMs: z.number() }).optional(),
    forwardRows: z.int(),
    threads: z.int(),
    wallSeconds: z.number(),
    cpuSeconds: z.number(),
  }),
});
export type BuildReport = z.infer<typeof buildReport>;
