import type { Clock } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import { Pacer, tickMs } from './pacer.js';

/** Time that a test moves; timers fire late by `lateMs`, as on a busy machine. */
class HandClock implements Clock {
  time = 0;
  lateMs = 0;
  #timer: { atMs: number; callback: () => void } | undefined;
  timersSet = 0;

  now(): number {
    return this.time;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.time + delayMs, callback };
    this.#timer = timer;
    this.timersSet++;
    return () => {
      if (this.#timer === timer) this.#timer = undefined;
    };
  }

  /** Fires the timer; false when none is set. */
  fire(): boolean {
    const timer = this.#timer;
    if (timer === undefined) return false;
    this.#timer = undefined;
    this.time = Math.max(this.time, timer.atMs) + this.lateMs;
    timer.callback();
    return true;
  }
}

function paced(clock: HandClock, gapsMs: number[]) {
  const due: number[] = [];
  const lags: number[] = [];
  const gaps = gapsMs[Symbol.iterator]();
  let atMs = 0;
  const pacer = new Pacer(clock, {
    startedAtMs: clock.now(),
    nextMs: () => {
      atMs += gaps.next().value ?? Number.POSITIVE_INFINITY;
      return atMs;
    },
    send: (dueAtMs) => due.push(dueAtMs),
    onLag: (lagMs) => lags.push(lagMs),
  });
  return { pacer, due, lags };
}

describe('a pacer', () => {
  it('sends at absolute times and ends after the last query', async () => {
    const clock = new HandClock();
    const { pacer, due, lags } = paced(clock, [10, 10, 10]);
    while (clock.fire());
    await pacer.ended;
    expect(due).toEqual([10, 20, 30]);
    expect(lags).toEqual([0, 0, 0]);
  });

  it('sends at once what fell due while it was held up, says so, and does not shift what follows', async () => {
    const clock = new HandClock();
    clock.lateMs = 25;
    const { pacer, due, lags } = paced(clock, [10, 10, 10, 10, 10]);
    clock.fire();
    expect(due).toEqual([10, 20, 30]);
    expect(lags).toEqual([25, 15, 5]);
    clock.lateMs = 0;
    while (clock.fire());
    await pacer.ended;
    expect(due).toEqual([10, 20, 30, 40, 50]);
    expect(lags.slice(3)).toEqual([0, 0]);
  });

  it('needs one timer for all that is due at a time', () => {
    const clock = new HandClock();
    const { due } = paced(clock, [5, ...Array.from({ length: 999 }, () => 0)]);
    while (clock.fire());
    expect(due).toHaveLength(1_000);
    expect(clock.timersSet).toBe(1);
  });

  it('wakes once a tick at most, and says how late what fell due within it was sent', async () => {
    const clock = new HandClock();
    const { pacer, due, lags } = paced(
      clock,
      Array.from({ length: 100 }, () => tickMs / 10),
    );
    while (clock.fire());
    await pacer.ended;
    expect(due).toHaveLength(100);
    expect(clock.timersSet).toBeLessThanOrEqual(12);
    expect(Math.max(...lags)).toBeGreaterThan(0.5 * tickMs);
    expect(Math.max(...lags)).toBeLessThan(tickMs);
  });

  it('sends nothing after it was stopped', async () => {
    const clock = new HandClock();
    const { pacer, due } = paced(clock, [10, 10]);
    clock.fire();
    pacer.stop();
    await pacer.ended;
    expect(clock.fire()).toBe(false);
    expect(due).toEqual([10]);
  });
});
