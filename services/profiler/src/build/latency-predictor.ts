/**
 * Predicts latency on this machine: a designed set of subnets is timed, and their time is divided among the parts of the
 * network. The error is told on subnets that were not fitted.
 */
import type { Supernet } from '@slackline/supernet';
import { type AdditiveModel, fitAdditive, predictAdditive } from '../search/additive-model.js';
import { crossPredicted, type PredictionError, predictionError } from '../search/errors.js';
import { type Random, randomOf } from '../search/random.js';
import { type Genome, keyOf, largestOf, smallestOf } from '../search/space.js';
import type { MeasuringPool } from './measuring-pool.js';
import type { Candidate, SupernetSpace } from './supernet-space.js';

/** Latency of a run, as fitted, with how well that went. */
export interface LatencyModel extends AdditiveModel {
  /** Rows of a run that was timed. */
  rows: number;
  /** Predictions of each timed subnet by a fit to the others, in ten folds. */
  error: PredictionError;
  /** What was measured and what was predicted, in milliseconds. */
  timed: { id: string; measuredMs: number; predictedMs: number }[];
}

export interface TimingPlan {
  subnets: number;
  rows: number;
  runs: number;
}

const folds = 10;
/** Subnets of more different depths than this would be timed in another graph than a worker serves them in. */
const mostDepths = 12;

/** Times subnets and fits the model. */
export async function measureLatency(
  supernet: Supernet,
  space: SupernetSpace,
  pool: MeasuringPool,
  plan: TimingPlan,
  seed: number,
): Promise<LatencyModel> {
  const subnets = designed(supernet, space, plan.subnets, randomOf(seed, 'latency')).map((genome) =>
    space.candidate(genome),
  );
  const samples = await pool.time({ configs: subnets.map(({ config }) => config), rows: plan.rows, runs: plan.runs });
  return fitLatency(subnets, samples.map(fastest), plan.rows);
}

/** Fits the model to latencies in milliseconds. */
export function fitLatency(subnets: readonly Candidate[], measuredMs: readonly number[], rows: number): LatencyModel {
  const work = subnets.map((subnet) => subnet.work);
  const fit = (inputs: readonly Candidate['work'][], values: readonly number[]) => {
    const model = fitAdditive(inputs, values);
    return (input: Candidate['work']) => predictAdditive(model, input);
  };
  const predictedMs = crossPredicted(work, measuredMs, folds, fit);
  return {
    ...fitAdditive(work, measuredMs),
    rows,
    error: predictionError(predictedMs, measuredMs),
    timed: subnets.map(({ id }, i) => ({ id, measuredMs: measuredMs[i] ?? 0, predictedMs: predictedMs[i] ?? 0 })),
  };
}

/** The ends, then subnets whose sizes are drawn freely, of a few different depths: every part at all of its sizes. */
function designed(supernet: Supernet, space: SupernetSpace, count: number, random: Random): Genome[] {
  const isDepth = supernet.groups.map(({ kind }) => kind === 'depth');
  const depthsOf = (genome: Genome) => keyOf(genome.filter((_, i) => isDepth[i]));
  const drawn = new Map<string, Genome>();
  const depths = new Map<string, Genome>();
  const add = (genome: Genome) => {
    if (!depths.has(depthsOf(genome)) && depths.size === mostDepths) return;
    depths.set(depthsOf(genome), genome);
    drawn.set(keyOf(genome), genome);
  };
  add(smallestOf(space));
  add(largestOf(space));
  for (let draw = 0; drawn.size < count && draw < 20 * count; draw++) {
    const known = [...depths.values()];
    const like = depths.size === mostDepths ? known[random.below(known.length)] : undefined;
    const free = space.choices.map((choices, i) =>
      isDepth[i] ? (like?.[i] ?? random.below(choices)) : random.below(choices),
    );
    add(space.canonical(free));
  }
  return [...drawn.values()];
}

/** What disturbs a run only ever makes it longer. */
function fastest(runs: readonly number[]): number {
  return runs.reduce((least, ms) => Math.min(least, ms), Number.POSITIVE_INFINITY);
}
