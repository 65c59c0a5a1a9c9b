/** Delays and factors, as one number, by two percentiles, or as measured. */
import { randomLcg, randomNormal } from 'd3-random';

/**
 * A number: always that. `p50` and `p99`: lognormal through both. `sorted`: measured values in ascending order, each as likely as
 * the next, with straight lines between them.
 */
export type Distribution =
  | number
  | { readonly p50: number; readonly p99: number }
  | { readonly sorted: ArrayLike<number> };

/** Standard normal quantile of 0.99. */
export const normalAt99 = 2.3263478740408408;

/** A stream of numbers of its own for each use, so that one more draw here changes nothing there. */
export interface RandomSource {
  /** In [0, 1). */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
}

/** @param use tells streams of the same seed apart */
export function randomSource(seed: number, use: number): RandomSource {
  // The generator takes seeds in 0..1 or whole numbers; consecutive ones begin alike, so they are spread first.
  const mixed = Math.imul(seed ^ (use * 0x9e3779b9), 0x85ebca6b) ^ (seed >>> 13);
  const uniform = randomLcg((Math.imul(mixed ^ (mixed >>> 16), 0xc2b2ae35) >>> 0) / 2 ** 32);
  for (let i = 0; i < 8; i += 1) uniform();
  return { uniform, normal: randomNormal.source(uniform)() };
}

/** A generator of values. Throws RangeError where the distribution is none. */
export function sampler(distribution: Distribution, random: RandomSource): () => number {
  if (typeof distribution === 'number') {
    if (!(distribution >= 0)) throw new RangeError(`a delay or factor of ${distribution} is none`);
    return () => distribution;
  }
  if ('sorted' in distribution) return measured(distribution.sorted, random);
  const { p50, p99 } = distribution;
  if (!(p50 > 0 && p99 >= p50)) throw new RangeError(`no lognormal distribution has p50 ${p50} and p99 ${p99}`);
  const sigma = Math.log(p99 / p50) / normalAt99;
  return sigma === 0 ? () => p50 : () => p50 * Math.exp(sigma * random.normal());
}

function measured(sorted: ArrayLike<number>, random: RandomSource): () => number {
  for (let i = 0; i < sorted.length; i += 1) {
    const [before, here] = [sorted[i - 1] ?? 0, sorted[i] ?? Number.NaN];
    if (!(here >= before)) throw new RangeError('measured values must ascend from 0');
  }
  if (sorted.length === 0) throw new RangeError('a measured distribution needs a value');
  return () => {
    const at = random.uniform() * (sorted.length - 1);
    const low = Math.floor(at);
    const value = sorted[low] ?? 0;
    return value + ((sorted[low + 1] ?? value) - value) * (at - low);
  };
}

/** Mean of a distribution. */
export function meanOf(distribution: Distribution): number {
  if (typeof distribution === 'number') return distribution;
  if ('sorted' in distribution) {
    // Of the straight lines between the values: each counts twice, but for the first and the last.
    const { sorted } = distribution;
    if (sorted.length === 1) return sorted[0] ?? 0;
    let sum = -((sorted[0] ?? 0) + (sorted[sorted.length - 1] ?? 0)) / 2;
    for (let i = 0; i < sorted.length; i += 1) sum += sorted[i] ?? 0;
    return sum / (sorted.length - 1);
  }
  const sigma = Math.log(distribution.p99 / distribution.p50) / normalAt99;
  return distribution.p50 * Math.exp(sigma ** 2 / 2);
}
