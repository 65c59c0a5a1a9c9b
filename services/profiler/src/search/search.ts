/**
 * Pareto search that measures little: a first part of the measurements is drawn uniformly; then, round by round, an
 * accuracy predictor is fitted to what was measured, subnets are evolved over the two predictors, and those that promise
 * the largest gain of hypervolume are measured. Seeded: the same measurements of the same seed find the same.
 */
import { paretoFront, type Rated } from '../stages/select.js';
import { AccuracyPredictor } from './accuracy-predictor.js';
import { type Evaluated, evolve } from './evolve.js';
import { hypervolume, type Reference } from './pareto.js';
import { type Random, randomOf } from './random.js';
import { type Genome, keyOf, largestOf, type Space, smallestOf, uniformSample } from './space.js';

export interface Problem {
  readonly space: Space;
  /** Predicted cost: positive, in any unit. */
  cost(genome: Genome): number;
  /** What accuracy is predicted from: numbers of about 0..1, as many for every subnet. */
  features(genome: Genome): readonly number[];
  /** Accuracies (0..1), in order. */
  measure(genomes: readonly Genome[], stage: string): Promise<readonly number[]>;
}

export interface SearchOptions {
  /** How many subnets are measured in all. */
  measurements: number;
  seed: number;
}

/** A subnet that was measured. */
export interface Measured extends Evaluated {
  /** What the predictor said before; undefined for the first ones, which were drawn uniformly. */
  predicted: number | undefined;
}

/** Share of the measurements that is drawn uniformly, and the rounds that the others are divided into. */
const uniformShare = 0.35;
const rounds = 6;
const evolution = { population: 64, generations: 24 };
/** Standard deviations by which a prediction is raised: how much the unknown is preferred to the known. */
const optimism = 0.7;

/** Everything that was measured, in the order of measuring. */
export async function paretoSearch(problem: Problem, { measurements, seed }: SearchOptions): Promise<Measured[]> {
  const { space } = problem;
  const first = uniformSample(space, Math.max(2, Math.ceil(measurements * uniformShare)), seed);
  const measured = await measureAll(
    problem,
    first.map((genome) => ({ genome })),
    'measuring a uniform sample',
  );
  const random = randomOf(seed, 'search');
  for (let round = 0; measured.length < measurements; round++) {
    const left = measurements - measured.length;
    const count = Math.ceil(left / Math.max(1, rounds - round));
    const predictor = new AccuracyPredictor(problem.features, measured);
    const picked = promising(problem, predictor, measured, Math.min(count, left), random);
    if (picked.length === 0) break;
    measured.push(...(await measureAll(problem, picked, 'measuring what promises most')));
  }
  return measured;
}

async function measureAll(
  problem: Problem,
  picked: readonly { genome: Genome; predicted?: number }[],
  stage: string,
): Promise<Measured[]> {
  const accuracies = await problem.measure(
    picked.map(({ genome }) => genome),
    stage,
  );
  return picked.map(({ genome, predicted }, i) => {
    return { genome, cost: problem.cost(genome), accuracy: accuracies[i] ?? 0, predicted };
  });
}

/** Up to `count` subnets that were not measured yet, each with its predicted accuracy. */
function promising(
  problem: Problem,
  predictor: AccuracyPredictor,
  measured: readonly Measured[],
  count: number,
  random: Random,
): { genome: Genome; predicted: number }[] {
  const { space, cost } = problem;
  const known = new Set(measured.map(({ genome }) => keyOf(genome)));
  const hopeful = (genome: Genome): Rated => ({ cost: cost(genome), accuracy: predictor.hopeful(genome, optimism) });
  const seeds = paretoFront(measured).map(({ genome }) => genome);
  const found = evolve(space, hopeful, { ...evolution, seeds }, random);
  const open = found.filter(({ genome }) => !known.has(keyOf(genome)));
  // What was measured counts as the predictor sees it, too: a lucky measurement must not hide its neighbours.
  const front: Rated[] = measured.map(({ genome, cost: own }) => ({ cost: own, accuracy: predictor.predict(genome) }));
  const picked: Evaluated[] = greedy(open, front, referenceOf(problem, measured), count);
  return picked.map(({ genome }) => ({ genome, predicted: predictor.predict(genome) }));
}

/** One after the other what adds the most to the hypervolume, as if each were as good as hoped; then what comes closest. */
function greedy(open: readonly Evaluated[], known: readonly Rated[], reference: Reference, count: number): Evaluated[] {
  const rest = new Set(open);
  const picked: Evaluated[] = [];
  let front: Rated[] = paretoFront(known);
  while (picked.length < count && rest.size > 0) {
    const base = hypervolume(front, reference);
    let best: { one: Evaluated; value: number } | undefined;
    for (const one of rest) {
      const lacking = shortfall(one, front);
      const value = lacking >= 0 ? -lacking : hypervolume([...front, one], reference) - base;
      if (best === undefined || value > best.value) best = { one, value };
    }
    if (best === undefined) break;
    rest.delete(best.one);
    picked.push(best.one);
    front = paretoFront([...front, best.one]);
  }
  return picked;
}

/** How much accuracy a subnet lacks to be on the front; negative when it would be. */
function shortfall({ cost, accuracy }: Rated, front: readonly Rated[]): number {
  const rival = front.findLast((one) => one.cost <= cost);
  return (rival?.accuracy ?? 0) - accuracy;
}

/** The rectangle between the smallest and the largest subnet: both are always measured first. */
export function referenceOf(problem: Pick<Problem, 'space' | 'cost'>, measured: readonly Evaluated[]): Reference {
  const smallest = keyOf(smallestOf(problem.space));
  return {
    leastCost: problem.cost(smallestOf(problem.space)),
    mostCost: problem.cost(largestOf(problem.space)),
    leastAccuracy: measured.find(({ genome }) => keyOf(genome) === smallest)?.accuracy ?? 0,
  };
}
