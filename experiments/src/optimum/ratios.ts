/** How far policies come, over many windows. */
import type { WindowResult } from './run-window.js';

export interface Ratios {
  readonly policy: string;
  /** Utility over the optimum's: mean and least over the windows. */
  readonly mean: number;
  readonly worst: number;
  /** (U - U_smallest) / (U_opt - U_smallest): mean over the windows where the optimum is above the smallest. */
  readonly captured: number;
  /** The same of all windows together: what is won in sum by what there was to win in sum. */
  readonly capturedOfAll: number;
}

/** Share of the optimum that it must have over the smallest subnet for a window to count in `captured`: rounding, no more. */
export const leastRoom = 1e-9;

/** What a policy captures of the room in one window; undefined where there is no room. */
export function capturedIn(optimum: number, smallest: number, utility: number): number | undefined {
  const room = optimum - smallest;
  return room > leastRoom * optimum ? (utility - smallest) / room : undefined;
}

/** @param smallest the policy of `policies` that always serves the smallest subnet */
export function ratiosOf(results: readonly WindowResult[], policies: readonly string[], smallest: string): Ratios[] {
  const least = policies.indexOf(smallest);
  return policies.map((policy, p) => {
    const ratios = results.map(({ solved, utilities }) => (utilities[p] ?? 0) / solved.plan.utility);
    const captured = results.flatMap(({ solved, utilities }) => {
      const share = capturedIn(solved.plan.utility, utilities[least] ?? 0, utilities[p] ?? 0);
      return share === undefined ? [] : [share];
    });
    const above = (utilityOf: (result: WindowResult) => number) =>
      results.reduce((sum, result) => sum + utilityOf(result) - (result.utilities[least] ?? 0), 0);
    const capturedOfAll = above(({ utilities }) => utilities[p] ?? 0) / above(({ solved }) => solved.plan.utility);
    return { policy, mean: meanOf(ratios), worst: Math.min(...ratios), captured: meanOf(captured), capturedOfAll };
  });
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
