/** What is known of one set of windows when all are solved and every policy has played them. */
import type { Ratios } from './ratios.js';
import type { WindowResult } from './run-window.js';
import type { SetName } from './sets.js';
import type { Window } from './windows.js';

export interface Findings {
  readonly name: SetName;
  /** What the windows have in common, to follow their number. */
  readonly length: string;
  readonly all: readonly Window[];
  /** In the order of the windows. */
  readonly results: readonly WindowResult[];
  readonly policies: readonly string[];
  readonly ratios: readonly Ratios[];
  /** The policy that always serves the smallest subnet. */
  readonly smallest: string;
  readonly subnets: readonly string[];
  readonly sloMs: number;
  /** What HiGHS was asked for. */
  readonly relativeGap: number;
}

/** Windows whose optimum was not proved before the time was over. */
export function unproved({ all, results, relativeGap }: Findings): Window[] {
  return all.filter((_, i) => !((results[i]?.solved.gap ?? Number.POSITIVE_INFINITY) <= relativeGap));
}
