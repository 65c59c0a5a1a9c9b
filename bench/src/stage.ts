/** A contender on stage: it is warmed up and asked for steps, and every step is written down. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningContender, type StepAsked, type StepFigures, sloMs } from './contender.js';
import { cpuPer1000, cpuSecondsOf } from './cpu.js';
import type { Pace } from './pace.js';
import { rateAt } from './search/ladder.js';
import type { Verdict } from './search/search.js';

/** A rate is carried when so many of its queries are answered in time. */
export const wanted = 0.999;
/** A step whose queries went out later than this (99th percentile) says as much about who sent them as about who answered. */
const lagLimitMs = 5;
/** The processes compile what they run: at these shares of the rate that comes next. */
const warmUpShares = [0.15, 0.3, 0.5, 0.7];

export type StepKind = 'warm-up' | 'probe' | 'step';

export interface Step extends StepFigures {
  readonly contender: string;
  readonly kind: StepKind;
  /** Whether the attainment is what is wanted, the queries were really sent at that rate, and each had one end. */
  readonly passed: boolean;
  /** Whether the load itself was late: the step is then to be read with care. */
  readonly lagged: boolean;
  /** Seconds of a core that each process used for 1,000 queries; null where that is not known. */
  readonly cpuSecondsPer1000: Readonly<Record<string, number>>;
}

/** Whether a step says something of its rate: it is no probe, and was really sent at that rate. */
export function counts(step: Step): boolean {
  return step.kind === 'step' && keptPace(step);
}

/** Of several steps together: answers in time over queries sent. */
export function attainmentOf(steps: readonly Step[]): number {
  return weighted(steps, ({ attainment }) => attainment);
}

/** A mean by the queries of each step. */
export function weighted(steps: readonly Step[], of: (step: Step) => number): number {
  const sent = steps.reduce((sum, step) => sum + step.sent, 0);
  return steps.reduce((sum, step) => sum + of(step) * step.sent, 0) / sent;
}

/**
 * Whether the steps at one rate show that it is carried: not by the luckiest of them, but by all together.
 *
 * @param steps those that count (`counts`)
 */
export function isHeld(steps: readonly Step[]): boolean {
  return steps.some(({ passed }) => passed) && steps.every(endedOnce) && attainmentOf(steps) >= wanted;
}

export interface StageOptions {
  readonly name: string;
  readonly running: RunningContender;
  /** Says what is under way. */
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
  readonly pace: Pace;
  /** Gets every step. */
  readonly steps: Step[];
}

export class Stage {
  constructor(private readonly options: StageOptions) {}

  /** Rising rates below the one that comes next. @param seconds of all of them together */
  async warmUp(rate: number, seconds: number): Promise<void> {
    for (const share of warmUpShares) {
      await this.step('warm-up', {
        rate: Math.max(1, Math.round(share * rate)),
        seconds: seconds / warmUpShares.length,
      });
    }
  }

  /** Whether a rung of the ladder passes by a short try. What has failed is unsure: a cold system fails where it later passes. */
  async probe(rung: number, seconds: number): Promise<Verdict> {
    return (await this.step('probe', { rate: rateAt(rung), seconds })).passed ? 'passed' : 'unsure';
  }

  /** Whether a rung passes by all of its steps together. */
  async passes(rung: number, seconds: number): Promise<Verdict> {
    const rate = rateAt(rung);
    const last = await this.step('step', { rate, seconds });
    const all = this.options.steps.filter((step) => counts(step) && step.rate === rate);
    if (counts(last) && isHeld(all)) return 'passed';
    return isHeld([...all, { ...last, passed: true, attainment: 1 }]) ? 'unsure' : 'failed';
  }

  async step(kind: StepKind, asked: StepAsked): Promise<Step> {
    const { name, running, say, signal, steps, pace } = this.options;
    await sleep(pace.pauseMs, undefined, { signal });
    const before = cpuSecondsOf(running.pids());
    const figures = await running.step(asked);
    const after = cpuSecondsOf(running.pids());
    const step: Step = {
      ...{ contender: name, kind, ...figures },
      passed: figures.attainment >= wanted && keptPace(figures) && endedOnce(figures),
      lagged: figures.sendLagMs.p99 > lagLimitMs,
      cpuSecondsPer1000: cpuPer1000(before, after, figures.sent),
    };
    steps.push(step);
    say(`${name}: ${said(step)}`);
    return step;
  }
}

/**
 * A load that cannot send so fast sends slower, and what is slower is easier. A query that is sent later than the limit cannot
 * be back in time by the producer's clock, which counts from when it was due; a deadline of Slackline begins at the stream.
 * This holds both to the same: of all queries only as many may be sent so late as may be answered late.
 */
function keptPace({ sendLagMs }: StepFigures): boolean {
  return sendLagMs.p999 <= sloMs;
}

/** A system that answers twice, or loses queries without a word, carries no rate at all. */
function endedOnce({ duplicates, unended }: StepFigures): boolean {
  return duplicates === 0 && unended === 0;
}

function said({
  kind,
  rate,
  cv2,
  seconds,
  attainment,
  within36,
  latencyMs,
  lagged,
  passed,
  duplicates,
  unended,
}: Step): string {
  const what = `${kind} of ${seconds} s at ${rate} qps${cv2 === undefined ? '' : ' in bursts'}: attainment ${attainment.toFixed(4)}`;
  const latency = `p50 ${latencyMs.p50.toFixed(1)} ms, p99 ${latencyMs.p99.toFixed(1)} ms`;
  const verdict = kind === 'warm-up' ? '' : passed ? ', passed' : ', failed';
  const ends = duplicates + unended === 0 ? '' : `, ${duplicates} answered twice, ${unended} without any end`;
  const late = lagged ? ', the load lagged' : '';
  return `${what}, within ${sloMs} ms of the producer ${within36.toFixed(4)}, ${latency}${verdict}${ends}${late}`;
}
