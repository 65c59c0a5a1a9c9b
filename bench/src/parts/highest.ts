/** The highest rate that a contender carries: rounds of steps, and what they say together. */
import type { NotRun } from '../part.js';
import { attainmentOf, counts, isHeld, type Step, wanted, weighted } from '../stage.js';

/** How often a rate was tried by steps that count, and how often it passed. */
export interface RateCount {
  readonly rate: number;
  readonly tried: number;
  readonly passed: number;
}

/** Where a round found the edge. */
export interface Round {
  /** How many steps it had that count; 0 where it was broken off before. */
  readonly tried: number;
  /** The highest rate that was held, in queries a second; not there when none was. */
  readonly qps?: number;
  /** The lowest rate above it that was not; not there when none above was tried. */
  readonly failed?: number;
}

/** What rounds leave, whatever they found. */
export interface Searched {
  readonly rounds: readonly Round[];
  readonly rates: readonly RateCount[];
  /** All of them, probes and warm-up too, in the order they were run. */
  readonly steps: readonly Step[];
}

/** What is known of a contender's highest rate. */
export interface Highest extends Searched {
  /**
   * The highest rate, up to the middle of the rounds, at which all steps together attained what is wanted, in queries a second. A
   * round that found none is lowest.
   */
  readonly qps: number;
  /** Of all steps at that rate, those that failed included: answers in time over queries sent. */
  readonly attainment: number;
  /** The same by the producer's own clock, from when a query was due. */
  readonly within36: number;
  /** Mean profiled accuracy of those in time; not there where there is no model. */
  readonly accuracy?: number;
  readonly tried: number;
  readonly passed: number;
  /** Of the step at that rate that is in the middle by its 99th percentile. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly p999: number };
  /** Seconds of a core for 1,000 queries at that rate, all processes together; null where that is not known. */
  readonly cpuSecondsPer1000: number;
  /** The highest rate at which so many came back within the limit by the producer's own clock; not there when none did. */
  readonly byProducer: { readonly qps?: number };
}

/** A search without a result: no rate is known, and 0 would be one. */
export type NothingFound = NotRun & Searched;

/** @param rounds the steps of each. @param steps all steps */
export function highestOf(rounds: readonly (readonly Step[])[], steps: readonly Step[]): Highest | NothingFound {
  const counting = steps.filter(counts);
  const searched = { rounds: rounds.map(roundOf), rates: countsOf(counting), steps };
  const counted = searched.rounds.filter(({ tried }) => tried > 0);
  if (counted.length === 0) return { skipped: 'there was no time for a step that counts', ...searched };
  const limit = middle(counted.map((round) => round.qps ?? 0)) ?? 0;
  const qps = Math.max(0, ...heldRates(counting).filter((rate) => rate <= limit));
  if (qps === 0) {
    const without = counted.filter((round) => round.qps === undefined).length;
    const none = `${without} of ${counted.length} rounds held no rate`;
    const why = limit === 0 ? none : `no rate up to ${limit} was held over all rounds`;
    return { failed: why, ...searched };
  }
  const there = counting.filter(({ rate }) => rate === qps);
  const share = (of: (step: Step) => number) => weighted(there, of);
  const byP99 = [...there].sort((a, b) => a.latencyMs.p99 - b.latencyMs.p99);
  const inTime = counting.filter(({ within36 }) => within36 >= wanted).map(({ rate }) => rate);
  return {
    qps,
    attainment: attainmentOf(there),
    within36: share(({ within36 }) => within36),
    ...(there.every(({ accuracy }) => accuracy !== undefined) && { accuracy: share(({ accuracy = 0 }) => accuracy) }),
    tried: there.length,
    passed: there.filter(({ passed }) => passed).length,
    latencyMs: byP99[Math.floor(byP99.length / 2)]?.latencyMs ?? { p50: Number.NaN, p99: Number.NaN, p999: Number.NaN },
    cpuSecondsPer1000: share(({ cpuSecondsPer1000 }) =>
      Object.values(cpuSecondsPer1000).reduce((sum, seconds) => sum + seconds, 0),
    ),
    byProducer: inTime.length === 0 ? {} : { qps: Math.max(...inTime) },
    ...searched,
  };
}

/** @param steps of one round */
export function roundOf(steps: readonly Step[]): Round {
  const counting = steps.filter(counts);
  const held = heldRates(counting);
  const qps = held.length === 0 ? undefined : Math.max(...held);
  const above = counting.map(({ rate }) => rate).filter((rate) => !held.includes(rate) && rate > (qps ?? 0));
  return {
    tried: counting.length,
    ...(qps !== undefined && { qps }),
    ...(above.length > 0 && { failed: Math.min(...above) }),
  };
}

/** The lower of two: one that was really held. Undefined when there are none. */
export function middle(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** The rates that the steps at each, all together, show to be carried. */
function heldRates(steps: readonly Step[]): number[] {
  const rates = [...new Set(steps.map(({ rate }) => rate))];
  return rates.filter((each) => isHeld(steps.filter(({ rate }) => rate === each)));
}

/** In ascending order of the rates. */
function countsOf(steps: readonly Step[]): RateCount[] {
  const rates = [...new Set(steps.map(({ rate }) => rate))].sort((a, b) => a - b);
  return rates.map((rate) => {
    const tries = steps.filter((step) => step.rate === rate);
    return { rate, tried: tries.length, passed: tries.filter(({ passed }) => passed).length };
  });
}
