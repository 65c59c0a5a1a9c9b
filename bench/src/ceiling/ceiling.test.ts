import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ContenderSettings } from '../contender.js';
import { decodeBatch, encodeBatch } from './batch.js';
import { ceiling, type RunningCeiling } from './index.js';
import { OpenLoop } from './open-loop.js';

const never = new AbortController().signal;

describe('batches', () => {
  test('come back as they were', () => {
    const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const parts = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 });
    fc.assert(
      fc.property(number, number, parts, (id, worker, parts) => {
        const batch = decodeBatch(encodeBatch({ id, worker, parts }));
        expect([batch.id, batch.worker]).toEqual([id, worker]);
        expect(batch.parts.map((part) => Uint8Array.from(part))).toEqual(parts);
      }),
    );
  });

  test('with a length that leads out of them are refused', () => {
    const bytes = encodeBatch({ id: 1, worker: 2, parts: [new Uint8Array(5)] });
    expect(() => decodeBatch(bytes.subarray(0, -1))).toThrow(RangeError);
    expect(() => decodeBatch(bytes.subarray(0, 10))).toThrow(RangeError);
  });
});

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
    expect(figures).toMatchObject({ sent: 20, back: 19, duplicates: 1 });
    expect(figures.within36).toBeLessThanOrEqual(19 / 20);
    expect(figures.attainment).toBe(figures.within36);
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

describe('the relays', () => {
  async function started(settings: Pick<ContenderSettings, 'storage' | 'payloadBytes'>): Promise<RunningCeiling> {
    const running = await ceiling.start({ ...settings, signal: never });
    onTestFinished(() => running.stop());
    return running;
  }

  test.each([
    { storage: 'memory', payloadBytes: 784 },
    { storage: 'file', payloadBytes: 150_000 },
  ] as const)('bring every query of $payloadBytes bytes back exactly once, from $storage', async (settings) => {
    const running = await started(settings);
    const rate = settings.payloadBytes > 1_000 ? 50 : 500;
    for (const seconds of [1, 0.5]) {
      const figures = await running.step({ rate, seconds });
      expect(figures).toMatchObject({ rate, seconds, sent: rate * seconds, back: rate * seconds, duplicates: 0 });
      expect(figures.latencyMs.p50).toBeGreaterThan(0);
    }
    const pids = running.pids();
    expect(Object.keys(pids).sort()).toEqual(['ingest', 'load', 'nats', 'scheduler', 'worker']);
    await running.stop();
    for (const [name, pid] of Object.entries(pids)) {
      if (name !== 'load') expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    }
  });

  test('a relay that dies fails the step that is under way', async () => {
    const running = await started({ storage: 'memory', payloadBytes: 784 });
    const step = running.step({ rate: 100, seconds: 20 });
    process.kill(running.pids().worker ?? 0, 'SIGKILL');
    await expect(step).rejects.toThrow('worker');
  });

  test('a start that is given up says why', async () => {
    const giveUp = new AbortController();
    const start = ceiling.start({ storage: 'memory', payloadBytes: 784, signal: giveUp.signal });
    onTestFinished(() => void start.then((started) => started.stop()).catch(() => undefined));
    giveUp.abort(new Error('enough'));
    await expect(start).rejects.toThrow('enough');
  });
});
