/** Seeded random numbers: the same on every platform, and independent between seeds and between streams of one seed. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** What one seed is used for, each with numbers of its own: a trace may be made and thinned by the same seed. */
export const streams = { arrivals: 0, places: 1, choice: 2 } as const;

/** Uniform in [0, 1), as d3-random takes it. */
export type Random = () => number;

/**
 * xoroshiro128+, its state filled from `seed` and `stream` by SplitMix32, so that seeds side by side start far apart.
 *
 * @param seed any safe integer
 */
export function seededRandom(seed: number, stream: number): Random {
  const high = Math.floor(seed / 2 ** 32);
  const words = splitMix32(scrambled(seed | 0) ^ scrambled(high ^ 0x5bd1e995) ^ scrambled(stream + 1));
  const generator = xoroshiro128plusFromState([words(), words(), words(), words()]);
  return () => uniformFloat64(generator);
}

/** Steele, Lea and Flood's SplitMix in its 32-bit form: signed words, one after the other. */
function splitMix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return scrambled(state);
  };
}

/** The finalizer of MurmurHash3: every bit of the input changes about half of the output's. */
function scrambled(word: number): number {
  let mixed = word | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
