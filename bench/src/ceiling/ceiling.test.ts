import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ContenderSettings, RunningContender } from '../contender.js';
import { hasNats } from '../testing/has-nats.js';
import { decodeBatch, encodeBatch } from './batch.js';
import { ceiling } from './index.js';

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

describe.skipIf(!hasNats)('the relays', () => {
  async function started(settings: Pick<ContenderSettings, 'storage' | 'payloadBytes'>): Promise<RunningContender> {
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
