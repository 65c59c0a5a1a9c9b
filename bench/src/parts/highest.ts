/** The highest rate that a contender carries: rounds of steps, and what they say together. */
import type { NotRun } from '../part.js';
import type { Step } from '../stage.js';

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
  /** The highest rate that passed, in queries a second; not there when none did. */
  readonly qps?: number;
  /** The lowest rate above it that did not pass; not there when none above it was tried. */
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
  /** The middle of the rounds, in queries a second: a rate that a whole step passed at. A round that found none is lowest. */
  readonly qps: number;
  /** Of all steps at that rate that count, those that failed included: answers in time over queries sent. */
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

/** @param rounds the steps of each. @param steps all steps. @param wanted attainment */
export function highestOf(
  rounds: readonly (readonly Step[])[],
  steps: readonly Step[],
  wanted: number,
): Highest | NothingFound {
  const counting = steps.filter(({ kind }) => kind === 'step');
  const searched = { rounds: rounds.map(roundOf), rates: countsOf(counting), steps };
  const held = searched.rounds.filter(({ tried }) => tried > 0);
  if (held.length === 0) return { skipped: 'there was no time for a step that counts', ...searched };
  const qps = middle(held.map((round) => round.qps ?? 0));
  if (qps === undefined || qps === 0) {
    const without = held.filter((round) => round.qps === undefined).length;
    return { failed: `no step passed in ${without} of ${held.length} rounds`, ...searched };
  }
  const there = counting.filter(({ rate }) => rate === qps);
  const share = (of: (step: Step) => number) =>
    there.reduce((sum, step) => sum + of(step) * step.sent, 0) / there.reduce((sum, { sent }) => sum + sent, 0);
  const byP99 = [...there].sort((a, b) => a.latencyMs.p99 - b.latencyMs.p99);
  const inTime = counting.filter(({ within36 }) => within36 >= wanted).map(({ rate }) => rate);
  return {
    qps,
    attainment: share(({ attainment }) => attainment),
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

/** @param steps of one round; a rate passed if one of its tries did */
export function roundOf(steps: readonly Step[]): Round {
  const counting = steps.filter(({ kind }) => kind === 'step');
  const passed = new Set(counting.filter((step) => step.passed).map(({ rate }) => rate));
  const qps = passed.size === 0 ? undefined : Math.max(...passed);
  const above = counting.map(({ rate }) => rate).filter((rate) => !passed.has(rate) && rate > (qps ?? 0));
  return {
    tried: counting.length,
    ...(qps !== undefined && { qps }),
    ...(above.length > 0 && { failed: Math.min(...above) }),
  };
}

/** The lower of two: a rate that really passed. Undefined when there are none. */
export function middle(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** In ascending order of the rates. */
function countsOf(steps: readonly Step[]): RateCount[] {
  const rates = [...new Set(steps.map(({ rate }) => rate))].sort((a, b) => a - b);
  return rates.map((rate) => {
    const tries = steps.filter((step) => step.rate === rate);
    return { rate, tried: tries.length, passed: tries.filter(({ passed }) => passed).length };
  });
}
