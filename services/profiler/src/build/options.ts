/** What a build can be told. */
import type { LatencyModel } from './latency-predictor.js';

export interface BuildOptions {
  /** Draws whatever is left to chance. */
  seed: number;
  /** Subnets to keep at most (16). */
  front?: number | undefined;
  /** Also keep subnets that others beat, best first, until there are `front`: they may be better on another device. */
  fill?: boolean | undefined;
  /** Subnets whose accuracy is measured in the search. */
  measurements?: number | undefined;
  /** Measures less: a fraction of the time, a somewhat worse front. */
  quick?: boolean | undefined;
  /** Lowers `measurements` to what this time allows at the rate of the first two. The result then depends on the rate. */
  budgetMs?: number | undefined;
  /** What is held low: latency on this machine as predicted (the default), or multiply-accumulates. */
  cost?: 'latency' | 'macs' | undefined;
  /** A latency model that was fitted before: the build then depends on no timing. */
  latency?: LatencyModel | undefined;
  /** Threads that measure; as many as cores unless said otherwise. */
  threads?: number | undefined;
}

/** Subnets to keep at most, unless said otherwise. */
export const defaultFront = 16;
