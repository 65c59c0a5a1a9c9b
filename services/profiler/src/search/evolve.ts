/**
 * NSGA-II (Deb et al., 2002) over genomes: tournaments by rank and crowding, uniform crossover, mutation by group. The
 * goals are predictions, so every genome that was ever looked at is kept and given back. Pure, seeded.
 */
import type { Rated } from '../stages/select.js';
import { crowding, nonDominatedFronts } from './pareto.js';
import type { Random } from './random.js';
import { type Genome, keyOf, randomGenome, type Space } from './space.js';

export interface EvolveOptions {
  population: number;
  generations: number;
  /** Genomes to begin with, beside random ones. */
  seeds: readonly Genome[];
}

export interface Evaluated extends Rated {
  genome: Genome;
}

/** One of the population, with what a tournament asks for. */
interface Member extends Evaluated {
  rank: number;
  crowding: number;
}

/** Share of the children that two parents are crossed for; the others mutate a copy of one. */
const crossed = 0.9;

/** Everything that was evaluated, each genome once, in the order of its first evaluation. */
export function evolve(
  space: Space,
  evaluate: (genome: Genome) => Rated,
  { population, generations, seeds }: EvolveOptions,
  random: Random,
): Evaluated[] {
  const seen = new Map<string, Evaluated>();
  const look = (genome: Genome): Evaluated => {
    const key = keyOf(genome);
    const known = seen.get(key) ?? { genome, ...evaluate(genome) };
    seen.set(key, known);
    return known;
  };
  const starters = seeds.slice(0, population).map(look);
  while (starters.length < population) starters.push(look(randomGenome(space, random)));
  let members = survivors(starters, population);
  for (let generation = 0; generation < generations; generation++) {
    const children = Array.from({ length: population }, () => look(child(space, members, random)));
    members = survivors([...members, ...children], population);
  }
  return [...seen.values()];
}

/** The best ranks; of the rank that does not fit in whole, the least crowded. */
function survivors(all: readonly Evaluated[], count: number): Member[] {
  const distinct = [...new Map(all.map((one) => [keyOf(one.genome), one])).values()];
  const kept: Member[] = [];
  for (const [rank, front] of nonDominatedFronts(distinct).entries()) {
    const distances = crowding(front);
    const members = front.map((one, i) => ({ ...one, rank, crowding: distances[i] ?? 0 }));
    if (kept.length + members.length > count) members.sort((a, b) => b.crowding - a.crowding);
    kept.push(...members.slice(0, count - kept.length));
    if (kept.length === count) break;
  }
  return kept;
}

function child(space: Space, members: readonly Member[], random: Random): Genome {
  const [a, b] = [tournament(members, random), tournament(members, random)];
  const mixed = random.next() < crossed ? a.map((gene, i) => (random.next() < 0.5 ? gene : (b[i] ?? gene))) : a;
  const rate = 1 / Math.max(1, space.choices.length);
  // One group at least changes where nothing was crossed: a copy would be a wasted look.
  const always = keyOf(mixed) === keyOf(a) ? random.below(space.choices.length) : -1;
  const mutated = mixed.map((gene, i) => {
    const choices = space.choices[i] ?? 1;
    if (i !== always && random.next() >= rate) return gene;
    return choices < 2 ? gene : (gene + 1 + random.below(choices - 1)) % choices;
  });
  return space.canonical(mutated);
}

function tournament(members: readonly Member[], random: Random): Genome {
  const [a, b] = [members[random.below(members.length)], members[random.below(members.length)]];
  if (a === undefined || b === undefined) throw new RangeError('nobody lives');
  const better = a.rank < b.rank || (a.rank === b.rank && a.crowding >= b.crowding);
  return (better ? a : b).genome;
}
