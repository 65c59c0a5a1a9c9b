/** The search on made-up landscapes, where measuring costs nothing and the truth is known. */
import { expect, test } from 'vitest';
import { evolve } from './evolve.js';
import { hypervolume, type Reference } from './pareto.js';
import { randomOf } from './random.js';
import { type Problem, paretoSearch, referenceOf } from './search.js';
import { type Genome, keyOf, largestOf, type Space, smallestOf, uniformSample } from './space.js';

/** Groups of sizes 0..3, and depths (the first two) at which the last two do not matter. */
const choices = [3, 3, 4, 4, 4, 4, 4, 4];
const space: Space = {
  choices,
  canonical: (genome) => genome.map((gene, i) => (i >= 6 && genome[i - 6] === 0 ? 0 : gene)),
};

/** A landscape of its own for every seed: groups matter unequally, cost unequally, and some only together. */
function problemOf(seed: number, noise: number): Problem & { measured: string[] } {
  const random = randomOf(seed, 'landscape');
  const worth = choices.map(() => 0.2 + random.next());
  const price = choices.map(() => 0.1 + 2 * random.next() ** 2);
  const pairs = choices.map(() => random.next() - 0.3);
  const cost = (genome: Genome) => 1 + genome.reduce((sum, gene, i) => sum + (price[i] ?? 0) * gene ** 1.5, 0);
  const accuracy = (genome: Genome) => {
    const own = genome.reduce((sum, gene, i) => sum + (worth[i] ?? 0) * Math.sqrt(gene), 0);
    const together = genome.reduce((sum, gene, i) => sum + (pairs[i] ?? 0) * gene * (genome[(i + 1) % 8] ?? 0), 0) / 9;
    return 1 / (1 + Math.exp(-(own + together) / 3));
  };
  const measured: string[] = [];
  return {
    space,
    cost,
    features: (genome) => genome.map((gene, i) => gene / ((choices[i] ?? 2) - 1)),
    measured,
    measure: async (genomes) => {
      measured.push(...genomes.map(keyOf));
      return genomes.map((genome) => accuracy(genome) + noise * (randomOf(seed, keyOf(genome)).next() - 0.5));
    },
  };
}

test('measures as many as it may, nothing twice, beginning with a uniform sample and the ends', async () => {
  const problem = problemOf(1, 0);
  const found = await paretoSearch(problem, { measurements: 50, seed: 1 });
  expect(found).toHaveLength(50);
  expect(new Set(problem.measured).size).toBe(50);
  expect(problem.measured.slice(0, 2)).toEqual([smallestOf(space), largestOf(space)].map(keyOf));
  const drawn = found.filter(({ predicted }) => predicted === undefined).map(({ genome }) => genome);
  expect(drawn).toEqual(uniformSample(space, 50, 1).slice(0, drawn.length));
  expect(drawn.length).toBeLessThan(25);
});

test('finds the same again by the same seed, and something else by another', async () => {
  const search = async (seed: number) => {
    const found = await paretoSearch(problemOf(1, 0.02), { measurements: 40, seed });
    return found.map(({ genome }) => keyOf(genome));
  };
  expect(await search(5)).toEqual(await search(5));
  expect(await search(5)).not.toEqual(await search(6));
});

test('measures a small space whole, and ends', async () => {
  const small: Space = { choices: [2, 3], canonical: (genome) => genome };
  const problem: Problem = {
    space: small,
    cost: (genome) => 1 + genome.reduce((a, b) => a + b, 0),
    features: (genome) => genome,
    measure: async (genomes) => genomes.map((genome) => 0.5 + genome.reduce((a, b) => a + b, 0) / 10),
  };
  expect(await paretoSearch(problem, { measurements: 100, seed: 1 })).toHaveLength(6);
});

test('is better than as many uniform measurements, on every landscape of eight', { timeout: 120_000 }, async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const problem = problemOf(seed, 0.01);
    const found = await paretoSearch(problem, { measurements: 48, seed });
    const drawn = uniformSample(space, 48, seed);
    const accuracies = await problem.measure(drawn, '');
    const uniform = drawn.map((genome, i) => ({ genome, cost: problem.cost(genome), accuracy: accuracies[i] ?? 0 }));
    const reference = referenceOf(problem, uniform);
    expect(hypervolume(found, reference), `seed ${seed}`).toBeGreaterThan(hypervolume(uniform, reference));
  }
});

test('evolution comes near the true front of thousands after looking at a tenth', () => {
  const problem = problemOf(2, 0);
  const accuracy = (genome: Genome) => genome.reduce((sum, gene, i) => sum + gene * (1 + (i % 3)), 0) / 60;
  const rated = (genome: Genome) => ({ cost: problem.cost(genome), accuracy: accuracy(genome) });
  const looked = evolve(space, rated, { population: 48, generations: 40, seeds: [] }, randomOf(1, 'test'));
  expect(new Set(looked.map(({ genome }) => keyOf(genome))).size).toBe(looked.length);
  expect(looked.length).toBeLessThan(2_000);
  const total = choices.reduce((product, count) => product * count, 1);
  const all = Array.from({ length: total }, (_, code) => {
    let rest = code;
    const genome = choices.map((count) => {
      const gene = rest % count;
      rest = Math.floor(rest / count);
      return gene;
    });
    return rated(space.canonical(genome));
  });
  const reference: Reference = {
    leastCost: problem.cost(smallestOf(space)),
    mostCost: problem.cost(largestOf(space)),
    leastAccuracy: 0,
  };
  expect(hypervolume(looked, reference)).toBeGreaterThan(0.98 * hypervolume(all, reference));
});
