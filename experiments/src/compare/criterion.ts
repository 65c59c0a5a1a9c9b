/**
 * When a policy may take SlackFit's place as the default: at least its effective accuracy in every cell, never lower in
 * attainment by more than a hair, and all deadlines met that the smallest subnet could meet.
 */

/** Attainment that may be lost against SlackFit. */
export const mostAttainmentLost = 0.0005;
/** What a load that the smallest subnet bears must attain; a load is one it bears when it attains as much itself. */
export const wanted = 0.999;

export interface ComparedCell {
  readonly name: string;
  readonly ours: Outcome;
  readonly slackfit: Outcome;
  /** The smallest subnet, always. */
  readonly smallest: Outcome;
}

interface Outcome {
  readonly attainment: number;
  /** Sum of the accuracies of answers in time / queries, 0..1. */
  readonly effectiveAccuracy: number;
}

export interface Criterion {
  readonly policy: string;
  readonly cells: number;
  /** Whether effective accuracy is at least SlackFit's in every cell, the least gain, and in how many it is more. */
  readonly accuracyHolds: boolean;
  readonly leastGain: number;
  readonly meanGain: number;
  readonly cellsWithMore: number;
  /** Whether attainment is nowhere lower by more than `mostAttainmentLost`, and the most that is lost. */
  readonly attainmentHolds: boolean;
  readonly mostLost: number;
  /** Cells that the smallest subnet can bear, and the least attainment in them; null when there is none. */
  readonly bearable: readonly string[];
  readonly leastBearableAttainment: number | null;
  readonly bearableHolds: boolean;
  /** All three, and more accuracy in most cells. A policy that is SlackFit itself holds nothing against it. */
  readonly holds: boolean;
}

export function criterion(policy: string, cells: readonly ComparedCell[]): Criterion {
  const gains = cells.map(({ ours, slackfit }) => ours.effectiveAccuracy - slackfit.effectiveAccuracy);
  const losses = cells.map(({ ours, slackfit }) => slackfit.attainment - ours.attainment);
  const bearable = cells.filter(({ smallest }) => smallest.attainment >= wanted);
  const leastGain = Math.min(...gains);
  const mostLost = Math.max(...losses);
  const leastBearable = bearable.length === 0 ? null : Math.min(...bearable.map(({ ours }) => ours.attainment));
  const holding = {
    accuracyHolds: leastGain >= 0,
    attainmentHolds: mostLost <= mostAttainmentLost,
    bearableHolds: leastBearable === null || leastBearable >= wanted,
  };
  const cellsWithMore = gains.filter((gain) => gain > 0).length;
  return {
    policy,
    cells: cells.length,
    ...holding,
    leastGain,
    meanGain: gains.reduce((sum, gain) => sum + gain, 0) / gains.length,
    cellsWithMore,
    mostLost,
    bearable: bearable.map(({ name }) => name),
    leastBearableAttainment: leastBearable,
    holds: Object.values(holding).every(Boolean) && cellsWithMore > cells.length / 2,
  };
}
