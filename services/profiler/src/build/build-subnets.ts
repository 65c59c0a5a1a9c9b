/**
 * Finds the subnets of a supernet that are worth serving: fits a latency predictor to timings on this machine, searches
 * over it and an accuracy predictor, measures what survives in full, and keeps a well-spread pareto front. Its accuracies
 * are then measured on inputs that chose nothing. Free of bus and files; the work is done on threads of its own.
 */
import { availableParallelism } from 'node:os';
import { AccuracyPredictor } from '../search/accuracy-predictor.js';
import { crossPredicted, predictionError } from '../search/errors.js';
import type { Measured } from '../search/search.js';
import type { Genome } from '../search/space.js';
import { Build, type Survivor } from './build.js';
import { compareWithUniform } from './compare.js';
import { MeasuringPool } from './measuring-pool.js';
import type { BuildOptions } from './options.js';
import { type OnProgress, ProgressMeter } from './progress.js';
import type { BuildReport, SeedComparison } from './report.js';
import type { BuildResult } from './result.js';
import { type BuildSources, checkSources } from './sources.js';

export type { BuildOptions } from './options.js';
export type { BuildProgress, OnProgress } from './progress.js';
export { type BuildSources, splitValidation } from './sources.js';

/** A build's result with its report. */
export type BuildOutcome = BuildResult & { report: BuildReport };

const folds = 10;

/**
 * Builds. The same sources, seed, measurements and latency model build the same on the same kind of processor.
 * Throws SlacklineError `invalid_model` when inputs or labels do not fit the model.
 *
 * @param signal ends the build and its threads in the middle of their work; the promise rejects with its reason
 */
export async function buildSubnets(
  sources: BuildSources,
  options: BuildOptions,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<BuildOutcome> {
  const stages = buildInStages(sources, options, 0, onProgress, signal);
  for await (const outcome of stages) return outcome;
  throw new Error('a build without an outcome');
}

/**
 * Builds, and then compares the search with as many uniform measurements, seed by seed. Gives the outcome after the build,
 * and again, its report longer by one comparison, after every seed. Throws as `buildSubnets` does.
 */
export async function* buildInStages(
  sources: BuildSources,
  options: BuildOptions,
  compareSeeds: number,
  onProgress: OnProgress,
  signal?: AbortSignal,
): AsyncGenerator<BuildOutcome, void, void> {
  checkSources(sources);
  signal?.throwIfAborted();
  const { seed } = options;
  const spent = stopwatch();
  const threads = options.threads ?? availableParallelism();
  const pool = new MeasuringPool(sources, threads, signal);
  try {
    const build = await Build.open(sources, options, pool, new ProgressMeter(onProgress));
    const measured = await build.search(seed);
    const survivors = await build.survivors(measured);
    const subnets = await build.publishable(survivors);
    const { budgetMs } = options;
    const budgetLeft =
      budgetMs === undefined ? {} : { budgetLeft: { measurements: build.effort.measurements, budgetMs } };
    const work = { ...budgetLeft, forwardRows: pool.forwardRows, threads, ...spent() };
    const report: BuildReport = { ...reportOf(build, seed, measured, survivors), work };
    const outcome = { candidates: measured.length, seed, subnets };
    yield { ...outcome, report };
    const comparison: SeedComparison[] = [];
    for (let i = 0; i < compareSeeds; i++) {
      comparison.push(await compareWithUniform(build, seed + i));
      yield { ...outcome, report: { ...report, comparison: [...comparison] } };
    }
  } finally {
    await pool.close();
  }
}

/** Says what was spent since. */
function stopwatch(): () => { wallSeconds: number; cpuSeconds: number } {
  const begunMs = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { wallSeconds: round((performance.now() - begunMs) / 1e3), cpuSeconds: round((user + system) / 1e6) };
  };
}

function reportOf(
  build: Build,
  seed: number,
  measured: readonly Measured[],
  survivors: readonly Survivor[],
): Omit<BuildReport, 'work'> {
  const { space, latency } = build;
  const fit = (genomes: readonly Genome[], accuracies: readonly number[]) => {
    const samples = genomes.map((genome, i) => ({ genome, accuracy: accuracies[i] ?? 0 }));
    const predictor = new AccuracyPredictor(build.features, samples);
    return (genome: Genome) => predictor.predict(genome);
  };
  const actual = measured.map(({ accuracy }) => accuracy);
  const crossed =
    measured.length < folds
      ? []
      : crossPredicted(
          measured.map(({ genome }) => genome),
          actual,
          folds,
          fit,
        );
  const picked = measured.flatMap(({ predicted, accuracy }) =>
    predicted === undefined ? [] : [{ predicted, accuracy }],
  );
  const pickedError = predictionError(
    picked.map((one) => one.predicted),
    picked.map((one) => one.accuracy),
  );
  return {
    seed,
    cost: latency === undefined ? 'macs' : 'latency',
    configurations: space.size,
    measured: measured.map(({ genome, cost, accuracy, predicted }) => {
      const { id, macs } = space.candidate(genome);
      return { id, macs, cost, accuracy, ...(predicted === undefined ? {} : { predicted }) };
    }),
    survivors: survivors.map(({ genome, cost, accuracy }) => ({ id: space.candidate(genome).id, cost, accuracy })),
    ...(latency === undefined ? {} : { latency }),
    accuracy: {
      ...(measured.length < folds ? {} : { crossValidated: predictionError(crossed, actual) }),
      ...(picked.length < 2 ? {} : { picked: pickedError }),
    },
    hypervolume: build.hypervolume(survivors),
  };
}

function round(seconds: number): number {
  return Math.round(10 * seconds) / 10;
}
