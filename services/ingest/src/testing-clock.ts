/** For tests: a clock that stands until it is moved. */
import type { Clock } from '@slackline/shared';

interface Timer {
  atMs: number;
  callback: () => void;
}

export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that have not fired. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Moves on by so much; the timers on the way fire in their order. */
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#next(); next !== undefined && next.atMs <= untilMs; next = this.#next()) this.#fire(next);
    this.#nowMs = untilMs;
  }

  /** Moves on by so much at once, as for a process that was stopped; what is due then fires late. */
  jump(ms: number): void {
    this.#nowMs += ms;
    this.pass(0);
  }

  /** Moves on to the next timer, which fires. */
  toNextTimer(): void {
    const next = this.#next();
    if (next === undefined) throw new Error('no timer is set');
    this.#fire(next);
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (first === undefined || timer.atMs < first.atMs) first = timer;
    return first;
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer);
    this.#nowMs = Math.max(this.#nowMs, timer.atMs);
    timer.callback();
  }
}
