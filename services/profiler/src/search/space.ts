/** The space that is searched: which size of each group a subnet takes. Pure; knows no networks. */
import { type Random, randomOf } from './random.js';

/** For each group the index of its size, from 0 (smallest). */
export type Genome = readonly number[];

export interface Space {
  /** How many sizes each group has. */
  readonly choices: readonly number[];
  /** The one form of all genomes that mean the same subnet. */
  canonical(genome: Genome): Genome;
}

/** After so many draws in a row that were there already, the space counts as exhausted. */
const patience = 1_000;

export function keyOf(genome: Genome): string {
  return genome.join();
}

export function smallestOf({ choices, canonical }: Space): Genome {
  return canonical(choices.map(() => 0));
}

export function largestOf({ choices, canonical }: Space): Genome {
  return canonical(choices.map((count) => count - 1));
}

export function randomGenome({ choices, canonical }: Space, random: Random): Genome {
  return canonical(choices.map((count) => random.below(count)));
}

/**
 * Up to `count` different subnets (fewer if there are no more): the smallest, the largest, then any, every size of every
 * group as likely as the others. A longer sample of the same seed begins with a shorter one.
 */
export function uniformSample(space: Space, count: number, seed: number): Genome[] {
  const random = randomOf(seed, 'uniform sample');
  const drawn = new Map<string, Genome>();
  const add = (genome: Genome) => {
    if (drawn.size < count) drawn.set(keyOf(genome), genome);
  };
  add(smallestOf(space));
  add(largestOf(space));
  for (let misses = 0; drawn.size < count && misses < patience; misses++) {
    const before = drawn.size;
    add(randomGenome(space, random));
    if (drawn.size > before) misses = -1;
  }
  return [...drawn.values()];
}
