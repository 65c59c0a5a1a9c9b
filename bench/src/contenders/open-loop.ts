/**
 * An open-loop producer's book of queries: when each is due, which came back, how late. Queries have numbers that grow over
 * all steps, so that an answer that comes too late is never taken for one of the next step.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { tickMs } from '@slackline/load';
import { dueMsOf } from '../arrivals.js';
import { type StepAsked, type StepFigures, sloMs } from '../contender.js';
import { percentile, percentiles } from '../latency.js';

/** How long answers are waited for after the last query was due. */
const defaultSettleMs = 3_000;
/** What an earlier step left is waited for until it has not moved for so long, and at most this long. */
const quietMs = { unmoved: 1_000, most: 20_000, look: 20 } as const;

export class OpenLoop {
  #next = 0;
  #step: Step | undefined;
  /** Queries of earlier steps without an answer. */
  #missing = new Set<number>();

  /**
   * @param send sends the query with this number; its answer, if any, is told by `received`
   * @param settleMs how long answers are waited for after the last query was due
   */
  constructor(
    private readonly send: (number: number) => void,
    private readonly settleMs = defaultSettleMs,
  ) {}

  /** Sends the queries of a step as they fall due, and waits for their answers. Rejects with the reason of `signal`. */
  async step(asked: StepAsked, signal: AbortSignal): Promise<StepFigures> {
    await this.#quiet(signal);
    const step = new Step(asked, this.#next);
    this.#step = step;
    this.#next += step.count;
    try {
      while (step.sent < step.count) {
        signal.throwIfAborted();
        // What falls due while these are sent waits for the next turn: answers must be read in between.
        for (const due = step.dueBy(performance.now()); step.sent < due; ) this.send(step.sending());
        if (step.sent < step.count) await delay(Math.max(tickMs, step.dueAtMs(step.sent) - performance.now()));
      }
      await settled(step, step.dueAtMs(step.count - 1) + this.settleMs, signal);
      return step.figures(asked);
    } finally {
      this.#step = undefined;
      for (const number of step.unanswered()) this.#missing.add(number);
    }
  }

  /** Query `number` has its answer. Returns its latency from when it was due, or undefined where it does not count. */
  received(number: number): number | undefined {
    const step = this.#step;
    if (step !== undefined && number >= step.first) return step.received(number, performance.now());
    if (!this.#missing.delete(number) && step !== undefined) step.duplicates++;
    return undefined;
  }

  /** Nothing of earlier steps will come any more. */
  forget(): void {
    this.#missing.clear();
  }

  async #quiet(signal: AbortSignal): Promise<void> {
    const beganAtMs = performance.now();
    let [left, movedAtMs] = [this.#missing.size, beganAtMs];
    for (let nowMs = beganAtMs; left > 0; nowMs = performance.now()) {
      if (nowMs - movedAtMs > quietMs.unmoved || nowMs - beganAtMs > quietMs.most) break;
      await delay(quietMs.look, undefined, { signal });
      if (this.#missing.size < left) [left, movedAtMs] = [this.#missing.size, performance.now()];
    }
    this.#missing.clear();
  }
}

/** Waits until all answers are in, or for so long. */
async function settled({ complete }: Step, untilMs: number, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const wait = { signal: AbortSignal.any([signal, done.signal]) };
  try {
    await Promise.race([complete, delay(Math.max(0, untilMs - performance.now()), undefined, wait)]);
  } finally {
    done.abort();
  }
  signal.throwIfAborted();
}

/** One rate for some seconds. */
class Step {
  readonly count: number;
  readonly complete: Promise<void>;
  duplicates = 0;
  #sent = 0;
  #back = 0;
  readonly #startMs: number;
  /** Of each query, from the start. */
  readonly #dueMs: Float64Array;
  /** NaN: no answer yet. */
  readonly #latencyMs: Float64Array;
  readonly #lagMs: Float64Array;
  #completed: () => void = () => {};

  /** @param first number of its first query */
  constructor(
    asked: StepAsked,
    readonly first: number,
  ) {
    this.#dueMs = dueMsOf(asked);
    this.count = this.#dueMs.length;
    this.#latencyMs = new Float64Array(this.count).fill(Number.NaN);
    this.#lagMs = new Float64Array(this.count);
    this.complete = new Promise((resolve) => {
      this.#completed = resolve;
    });
    // Making the arrivals takes its time.
    this.#startMs = performance.now();
  }

  get sent(): number {
    return this.#sent;
  }

  /** @param index of a query of this step, from 0 */
  dueAtMs(index: number): number {
    return this.#startMs + (this.#dueMs[index] ?? 0);
  }

  /** How many queries are due by then. */
  dueBy(nowMs: number): number {
    let due = this.#sent;
    while (due < this.count && this.dueAtMs(due) <= nowMs) due++;
    return due;
  }

  /** Notes that the next query goes out. Returns its number. */
  sending(): number {
    this.#lagMs[this.#sent] = Math.max(0, performance.now() - this.dueAtMs(this.#sent));
    return this.first + this.#sent++;
  }

  received(number: number, nowMs: number): number | undefined {
    const index = number - this.first;
    if (!(index < this.#sent)) throw new RangeError(`an answer came to query ${number}, which nobody has sent`);
    if (!Number.isNaN(this.#latencyMs[index])) {
      this.duplicates++;
      return undefined;
    }
    const latencyMs = nowMs - this.dueAtMs(index);
    this.#latencyMs[index] = latencyMs;
    if (++this.#back === this.count) this.#completed();
    return latencyMs;
  }

  *unanswered(): Generator<number> {
    for (let index = 0; index < this.#sent; index++) {
      if (Number.isNaN(this.#latencyMs[index])) yield this.first + index;
    }
  }

  figures(asked: StepAsked): StepFigures {
    const isBack = (ms: number) => !Number.isNaN(ms);
    const latencies = this.#latencyMs.filter(isBack);
    const roundTrips = this.#latencyMs.map((ms, index) => ms - (this.#lagMs[index] ?? 0)).filter(isBack);
    const inTime = latencies.reduce((sum, ms) => (ms <= sloMs ? sum + 1 : sum), 0);
    const within36 = inTime / Math.max(1, this.count);
    const lags = this.#lagMs.slice().sort();
    return {
      ...asked,
      sent: this.#sent,
      back: latencies.length,
      within36,
      attainment: within36,
      latencyMs: percentiles(latencies),
      roundTripMs: percentiles(roundTrips),
      sendLagMs: { p99: percentile(lags, 99), p999: percentile(lags, 99.9), max: lags.at(-1) ?? 0 },
      duplicates: this.duplicates,
      unended: this.#sent - latencies.length,
    };
  }
}
