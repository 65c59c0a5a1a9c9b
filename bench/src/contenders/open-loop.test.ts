import { describe, expect, test } from 'vitest';
import { OpenLoop } from './open-loop.js';

const never = new AbortController().signal;

describe('an open loop', () => {
  test('sends every query once, in order, and counts what comes back once, twice or never', async () => {
    const sent: number[] = [];
    const loop = new OpenLoop((number) => {
      sent.push(number);
      // The third never comes back, the fourth twice.
      if (number !== 2) loop.received(number);
      if (number === 3) loop.received(number);
    }, 50);
    const figures = await loop.step({ rate: 1_000, seconds: 0.02 }, never);
    expect(sent).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(figures).toMatchObject({ sent: 20, back: 19, duplicates: 1, unended: 1 });
    expect(figures.within36).toBeLessThanOrEqual(19 / 20);
    expect(figures.attainment).toBe(figures.within36);
  });

  test('counts latency from when a query was due, and the round trip from when it went out', async () => {
    // The first of each turn are due some time before; all are answered the moment that they are sent.
    const loop = new OpenLoop((number) => loop.received(number));
    const { latencyMs, roundTripMs, sendLagMs } = await loop.step({ rate: 5_000, seconds: 0.05 }, never);
    expect(roundTripMs?.p50).toBeGreaterThanOrEqual(0);
    expect(roundTripMs?.p50).toBeLessThan(latencyMs.p50);
    expect(latencyMs.p999).toBeGreaterThanOrEqual(sendLagMs.p99);
  });

  test('takes an answer to an earlier step for nothing of this one', async () => {
    let answer = false;
    const loop = new OpenLoop((number) => {
      if (!answer) return;
      expect(loop.received(number - 10)).toBeUndefined();
      expect(loop.received(number)).toBeTypeOf('number');
    }, 50);
    const first = await loop.step({ rate: 1_000, seconds: 0.01 }, never);
    expect(first).toMatchObject({ sent: 10, back: 0, within36: 0 });
    loop.forget();
    answer = true;
    const second = await loop.step({ rate: 1_000, seconds: 0.01 }, never);
    // They were forgotten, so that nobody can tell them from second answers.
    expect(second).toMatchObject({ sent: 10, back: 10, duplicates: 10 });
  });

  test('ends at once when it is given up', async () => {
    const giveUp = new AbortController();
    const loop = new OpenLoop(() => giveUp.abort(new Error('enough')));
    await expect(loop.step({ rate: 10, seconds: 60 }, giveUp.signal)).rejects.toThrow('enough');
  });

  test('an answer to a query that was never sent is an error', async () => {
    const loop = new OpenLoop((number) => {
      expect(() => loop.received(number + 1)).toThrow(RangeError);
      loop.received(number);
    });
    await loop.step({ rate: 1_000, seconds: 0.001 }, never);
  });
});
