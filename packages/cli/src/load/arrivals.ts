/** When queries arrive: the gaps between them, drawn from a seeded distribution. Names as AIPerf and vLLM use them. */
import { randomExponential, randomGamma, randomLcg } from 'd3-random';

export const arrivalPatterns = ['constant', 'poisson', 'gamma'] as const;
export type ArrivalPattern = (typeof arrivalPatterns)[number];

export interface Arrivals {
  pattern: ArrivalPattern;
  /** Queries a second in the mean, above 0. */
  rate: number;
  /** Gamma only: the shape k = 1/CV² of the gaps. 1 is poisson, smaller is burstier. */
  burstiness: number;
  /** The same seed gives the same gaps. */
  seed: number;
}

/** A generator of gaps between arrivals, in milliseconds; their mean is 1000 / rate. */
export function gapsMs({ pattern, rate, burstiness, seed }: Arrivals): () => number {
  const meanMs = 1_000 / rate;
  const random = randomLcg(seed);
  switch (pattern) {
    case 'constant':
      return () => meanMs;
    case 'poisson':
      return randomExponential.source(random)(1 / meanMs);
    case 'gamma':
      return randomGamma.source(random)(burstiness, meanMs / burstiness);
  }
}
