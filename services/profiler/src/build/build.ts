/** One build in its steps: what they share is the space, the predictors, and what was measured so far. */
import type { Supernet } from '@slackline/supernet';
import { predictAdditive } from '../search/additive-model.js';
import { hypervolume, nonDominatedFronts } from '../search/pareto.js';
import { type Measured, type Problem, paretoSearch, referenceOf } from '../search/search.js';
import { type Genome, keyOf, largestOf, smallestOf, uniformSample } from '../search/space.js';
import { bestFronts, paretoFront, thinFront } from '../stages/select.js';
import { type Effort, effortOf, plannedRows, type Size, withinBudget } from './effort.js';
import { type LatencyModel, measureLatency } from './latency-predictor.js';
import type { MeasuringPool } from './measuring-pool.js';
import { type BuildOptions, defaultFront } from './options.js';
import type { ProgressMeter } from './progress.js';
import { Rater } from './rater.js';
import type { BuiltSubnet } from './result.js';
import type { BuildSources } from './sources.js';
import { SupernetSpace } from './supernet-space.js';

/** A subnet that was measured on all held-out rows. */
export interface Survivor {
  genome: Genome;
  cost: number;
  accuracy: number;
  /** Encoded. */
  statistics: Uint8Array;
}

/** Of a uniform sample, to know what a subnet of usual size is. */
const sampleForSize = 64;

export class Build {
  private constructor(
    readonly space: SupernetSpace,
    readonly effort: Effort,
    /** Undefined where multiply-accumulates are held low. */
    readonly latency: LatencyModel | undefined,
    private readonly options: BuildOptions,
    private readonly rater: Rater,
  ) {}

  /** Fits the latency predictor, and settles how much will be measured. */
  static async open(
    sources: BuildSources,
    options: BuildOptions,
    pool: MeasuringPool,
    progress: ProgressMeter,
  ): Promise<Build> {
    const { supernet } = sources;
    const space = new SupernetSpace(supernet);
    const front = options.front ?? defaultFront;
    const size: Size = {
      calibration: hasNormalizations(supernet) ? (sources.calibration?.shape[0] ?? 0) : 0,
      heldOut: sources.heldOut.labels.length,
      test: sources.test.labels.length,
      front,
    };
    const asked = effortOf(options, front);
    const usualMacs = meanMacs(space, options.seed);
    progress.plan(plannedRows(asked, size) * usualMacs);
    const rater = new Rater(space, pool, progress, asked.search, size.calibration);
    const latency = await latencyOf(supernet, space, pool, asked, options, progress);
    const effort = await affordable(asked, size, space, rater, pool, options, usualMacs);
    progress.plan(plannedRows(effort, size) * usualMacs);
    return new Build(space, effort, latency, options, rater);
  }

  /** What is held low: milliseconds for one row, or multiply-accumulates. */
  cost = (genome: Genome): number => {
    const { macs, work } = this.space.candidate(genome);
    if (this.latency === undefined) return macs;
    return Math.max(1e-6, predictAdditive(this.latency, work) / this.latency.rows);
  };

  /** Group sizes from 0 (smallest) to 1 (largest), and where the subnet lies between both in multiply-accumulates. */
  features = (genome: Genome): number[] => {
    const sizes = genome.map((index, i) => index / Math.max(1, (this.space.choices[i] ?? 1) - 1));
    const macs = (one: Genome) => Math.log(this.space.candidate(one).macs);
    const [least, most] = [macs(smallestOf(this.space)), macs(largestOf(this.space))];
    const place = most > least ? (macs(genome) - least) / (most - least) : 0;
    return [...sizes, place, place];
  };

  /** Everything that a search of this seed measures. */
  search(seed: number): Promise<Measured[]> {
    const problem: Problem = {
      space: this.space,
      cost: this.cost,
      features: this.features,
      measure: (genomes, stage) => this.rater.screen(genomes, stage),
    };
    return paretoSearch(problem, { measurements: this.effort.measurements, seed });
  }

  /** As many subnets drawn uniformly and measured as a search does: what it is compared with. */
  async uniform(seed: number): Promise<Measured[]> {
    const genomes = uniformSample(this.space, this.effort.measurements, seed);
    const accuracies = await this.rater.screen(genomes, 'measuring a uniform sample');
    return genomes.map((genome, i) => {
      return { genome, cost: this.cost(genome), accuracy: accuracies[i] ?? 0, predicted: undefined };
    });
  }

  /** The best fronts of what was measured, measured again on everything; the ends always. */
  async survivors(measured: readonly Measured[]): Promise<Survivor[]> {
    const ends = [smallestOf(this.space), largestOf(this.space)];
    const kept = new Map(ends.map((genome) => [keyOf(genome), genome]));
    const others = nonDominatedFronts(measured).map((front) => front.filter(({ genome }) => !kept.has(keyOf(genome))));
    for (const { genome } of bestFronts(others, this.effort.survivors - kept.size)) kept.set(keyOf(genome), genome);
    const genomes = [...kept.values()];
    const results = await this.rater.inFull(genomes, 'measuring the survivors in full');
    return genomes.map((genome, i) => {
      const { accuracy = 0, statistics = new Uint8Array() } = results[i] ?? {};
      return { genome, cost: this.cost(genome), accuracy, statistics };
    });
  }

  /** What is kept of the survivors, ascending in cost, with accuracies on the test rows. */
  async publishable(survivors: readonly Survivor[]): Promise<BuiltSubnet[]> {
    const count = this.options.front ?? defaultFront;
    const chosen = this.options.fill === true ? filled(survivors, count) : thinFront(paretoFront(survivors), count);
    const accuracies = await this.rater.onTest(
      chosen.map(({ genome }) => genome),
      'measuring accuracies to publish',
    );
    return chosen.map(({ genome, cost, accuracy, statistics }, i) => {
      const { id, config, macs } = this.space.candidate(genome);
      const latencyMs = this.latency === undefined ? {} : { latencyMs: Number(cost.toPrecision(4)) };
      const rated = { macs, ...latencyMs, heldOutAccuracy: accuracy, accuracy: accuracies[i] ?? 0 };
      return { id, config: { ...config }, ...rated, statistics };
    });
  }

  /** Accuracies on the test rows. */
  onTest(genomes: readonly Genome[]): Promise<number[]> {
    return this.rater.onTest(genomes, 'measuring test accuracies');
  }

  /** Share of the rectangle between the smallest and the largest subnet that is covered; the smallest must be there. */
  hypervolume(rated: readonly { genome: Genome; cost: number; accuracy: number }[]): number {
    return hypervolume(rated, referenceOf(this, rated));
  }
}

/** The first front, then the second and so on until there are `count`, in the order of costs. */
function filled(survivors: readonly Survivor[], count: number): Survivor[] {
  return bestFronts(nonDominatedFronts(survivors), count).sort((a, b) => a.cost - b.cost);
}

async function latencyOf(
  supernet: Supernet,
  space: SupernetSpace,
  pool: MeasuringPool,
  { timing }: Effort,
  { cost, latency, seed }: BuildOptions,
  progress: ProgressMeter,
): Promise<LatencyModel | undefined> {
  if (cost === 'macs') return undefined;
  if (latency !== undefined) return latency;
  const step = progress.stage('timing blocks', 1);
  const fitted = await measureLatency(supernet, space, pool, timing, seed);
  step(0);
  return fitted;
}

/** What a time budget leaves of the effort, at the rate at which the smallest and the largest subnet are measured. */
async function affordable(
  asked: Effort,
  size: Size,
  space: SupernetSpace,
  rater: Rater,
  pool: MeasuringPool,
  { budgetMs }: BuildOptions,
  usualMacs: number,
): Promise<Effort> {
  if (budgetMs === undefined) return asked;
  const ends = [smallestOf(space), largestOf(space)];
  const begun = performance.now();
  const rowsBefore = pool.forwardRows;
  await rater.screen(ends, 'measuring the ends');
  const endMacs = ends.reduce((sum, end) => sum + space.candidate(end).macs, 0) / ends.length;
  const rowMs = ((performance.now() - begun) / (pool.forwardRows - rowsBefore)) * (usualMacs / endMacs);
  return withinBudget(asked, size, rowMs, budgetMs);
}

function meanMacs(space: SupernetSpace, seed: number): number {
  const sample = uniformSample(space, sampleForSize, seed);
  return sample.reduce((sum, genome) => sum + space.candidate(genome).macs, 0) / sample.length;
}

function hasNormalizations({ model }: Supernet): boolean {
  return model.graph.nodes.some(({ op }) => op === 'BatchNormalization');
}
