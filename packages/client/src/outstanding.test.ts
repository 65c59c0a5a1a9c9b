import { describe, expect, it } from 'vitest';
import { Outstanding, type Waiting } from './outstanding.js';

/** A clock that stands still until it is told to go on. */
class HandClock {
  #now = 1_000.5;
  #timers: { atMs: number; callback: () => void }[] = [];
  now() {
    return this.#now;
  }
  after(delayMs: number, callback: () => void) {
    const timer = { atMs: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  get timers() {
    return this.#timers.length;
  }
  advance(ms: number) {
    const until = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter(({ atMs }) => atMs <= until).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#now = due.atMs;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      due.callback();
    }
    this.#now = until;
  }
}

function setUp() {
  const clock = new HandClock();
  const timedOut: { id: string; atMs: number }[] = [];
  const outstanding = new Outstanding<Waiting>(clock, ({ queryId }) =>
    timedOut.push({ id: queryId, atMs: clock.now() }),
  );
  const add = (queryId: string, timeoutMs: number) =>
    outstanding.add({ queryId, subject: 'infer.m', sentAtMs: clock.now(), isCutOff: false }, timeoutMs);
  return { clock, timedOut, outstanding, add };
}

describe('a query that waits', () => {
  it('times out after its limit, not before, within two slots', () => {
    const { clock, timedOut, add } = setUp();
    const limits = [0, 1, 9.9, 10, 36, 100, 999.5];
    const startMs = clock.now();
    for (const limit of limits) add(String(limit), limit);
    clock.advance(2_000);
    expect(timedOut.map(({ id }) => Number(id))).toEqual(limits);
    for (const { id, atMs } of timedOut) {
      expect(atMs).toBeGreaterThanOrEqual(startMs + Number(id));
      expect(atMs).toBeLessThanOrEqual(startMs + Number(id) + 20);
    }
  });

  it('does not time out once it is answered', () => {
    const { clock, timedOut, outstanding, add } = setUp();
    const token = add('a', 50);
    expect(outstanding.peek(token)?.queryId).toBe('a');
    outstanding.remove(token);
    clock.advance(1_000);
    expect(timedOut).toEqual([]);
    expect(outstanding.size).toBe(0);
  });

  it('leaves no timer behind, and the next one times out too', () => {
    const { clock, timedOut, add } = setUp();
    add('a', 50);
    clock.advance(1_000);
    expect(clock.timers).toBe(0);
    clock.advance(60_000);
    add('b', 0);
    clock.advance(20);
    expect(timedOut.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('times out at once when all ends', () => {
    const { clock, timedOut, outstanding, add } = setUp();
    add('a', 5_000);
    outstanding.end();
    expect(timedOut.map(({ id }) => id)).toEqual(['a']);
    expect(clock.timers).toBe(0);
  });
});

it('an answer without a query is counted as second or as too late', () => {
  const { clock, outstanding, add } = setUp();
  const answered = add('a', 50);
  outstanding.remove(answered);
  const forgotten = add('b', 50);
  clock.advance(100);
  expect(outstanding.peek(answered)).toBeUndefined();
  expect(outstanding.peek(forgotten)).toBeUndefined();
  expect(outstanding.peek(forgotten)).toBeUndefined();
  expect({ tooLate: outstanding.tooLate, duplicates: outstanding.duplicates }).toEqual({ tooLate: 1, duplicates: 2 });
});
