/** The highest rate that a contender carries: rounds of steps, and what they say together. */
import { middle } from '../search/search.js';
import type { Step } from '../stage.js';

/** How often a rate was tried by steps that count, and how often it passed. */
export interface RateCount {
  readonly rate: number;
  readonly tried: number;
  readonly passed: number;
}

export interface Round {
  /** The highest rate that passed in this round, in queries a second; 0 when there was no time to find one. */
  readonly qps: number;
}

/** What is known of a contender's highest rate. */
export interface Highest {
  /** The middle of the rounds that found one, in queries a second: a rate that a whole step passed at. 0 when none did. */
  readonly qps: number;
  /** Of the worst step that passed at that rate. */
  readonly attainment: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly p999: number } | undefined;
  /** The highest rate at which so many came back within the limit by the producer's own clock. */
  readonly byProducer: { readonly qps: number };
  readonly rounds: readonly Round[];
  readonly rates: readonly RateCount[];
  /** All of them, probes and warm-up too, in the order they were run. */
  readonly steps: readonly Step[];
}

/** @param rounds the highest rate of each */
export function highestOf(rounds: readonly number[], steps: readonly Step[], wanted: number): Highest {
  const qps = middle(rounds.filter((rate) => rate > 0)) ?? 0;
  const counting = steps.filter(({ kind }) => kind === 'step');
  const there = counting.filter(({ rate, passed }) => rate === qps && passed);
  const worst = there.reduce<Step | undefined>(
    (least, step) => (least === undefined || step.attainment < least.attainment ? step : least),
    undefined,
  );
  const inTime = counting.filter(({ within36 }) => within36 >= wanted).map(({ rate }) => rate);
  return {
    qps,
    attainment: worst?.attainment ?? 0,
    latencyMs: worst?.latencyMs,
    byProducer: { qps: Math.max(0, ...inTime) },
    rounds: rounds.map((highest) => ({ qps: highest })),
    rates: countsOf(counting),
    steps,
  };
}

/** In ascending order of the rates. */
function countsOf(steps: readonly Step[]): RateCount[] {
  const rates = [...new Set(steps.map(({ rate }) => rate))].sort((a, b) => a - b);
  return rates.map((rate) => {
    const tries = steps.filter((step) => step.rate === rate);
    return { rate, tried: tries.length, passed: tries.filter(({ passed }) => passed).length };
  });
}
