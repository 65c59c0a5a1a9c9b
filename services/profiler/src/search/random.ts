/** Chance that can be repeated: everything a search draws comes from here, so the same seed draws the same. */
import { createHash } from 'node:crypto';
import { randomLcg } from 'd3-random';

export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [0, n). */
  below(n: number): number;
}

/** An independent stream for each (seed, purpose): what one part of a search draws does not move the others. */
export function randomOf(seed: number, purpose: string): Random {
  // Hashed, because the generator's first draws from neighbouring states are neighbours too.
  const state = createHash('sha256').update(`${seed}/${purpose}`).digest().readUInt32LE() / 2 ** 32;
  const next = randomLcg(state);
  return { next, below: (n) => Math.floor(next() * n) };
}
