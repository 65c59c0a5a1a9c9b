/** Emulated devices: many in one process, held for their profiled time by one real thread. */
import { type LatencyProfile, profileKeys } from '@slackline/shared';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { Deployment } from './deployment.js';
import { floatsOf, rawQuery } from './harness.js';
import { entryOf, publishEntry, tinyServable } from './tiny-model.js';

const nats = withNatsServer();
const digest = 'd'.repeat(64);
const p50Ms = 2.5;
let deployment: Deployment;

beforeEach(async () => {
  deployment = await Deployment.create(nats.url);
});
afterEach(() => deployment.end());

async function publishProfile(): Promise<void> {
  const profile: LatencyProfile = {
    v: 1,
    model: 'tiny',
    digest,
    deviceClass: 'test',
    executor: 'cuda',
    concurrency: 1,
    measuredAt: '2026-01-01T00:00:00Z',
    batches: [1, 2],
    subnets: [{ id: 'small', accuracy: 0.7, p50Ms: [p50Ms, 2 * p50Ms], p99Ms: [3, 6] }],
  };
  const keys = await deployment.bus.keys(deployment.subjects.stores.profiles, { storage: 'memory', replicas: 1 });
  await keys.put(profileKeys.latency('tiny', 'test'), Buffer.from(JSON.stringify(profile)));
}

it('every device takes its profiled time at least, in sum, and reports what it really took', async () => {
  const { bus, subjects, scheduler } = deployment;
  const devices = 8;
  const batches = 20;
  await publishEntry(bus, subjects, entryOf(tinyServable(), digest));
  await publishProfile();
  await deployment.start({ EXECUTOR: 'emulated', WORKER_ID: 'e', WORKERS_PER_PROCESS: String(devices) });
  const ids = Array.from({ length: devices }, (_, i) => `e-${i}`);
  const workers = await Promise.all(ids.map((id) => scheduler.available.first(({ workerId }) => workerId === id)));
  expect(new Set(workers.map(({ epoch }) => epoch)).size).toBe(devices);
  expect(new Set(workers.map(({ executor }) => executor))).toEqual(new Set(['emulated']));

  const heldMs = await Promise.all(
    workers.map(async (worker) => {
      let sum = 0;
      for (let i = 0; i < batches; i++) {
        const done = await scheduler.run(worker);
        expect(floatsOf(done)).toEqual([[0, 0]]);
        expect(done.heldMs).toBeGreaterThanOrEqual(done.inferenceMs);
        sum += done.inferenceMs;
      }
      return sum;
    }),
  );
  for (const sum of heldMs) expect(sum).toBeGreaterThanOrEqual(batches * p50Ms - 1e-6);
});

it('a model is announced when its profile comes', async () => {
  const { bus, subjects, scheduler } = deployment;
  await publishEntry(bus, subjects, entryOf(tinyServable(), digest));
  await deployment.start({ EXECUTOR: 'emulated', WORKER_ID: 'e' });
  expect((await scheduler.available.first(() => true)).models).toEqual({});
  await publishProfile();
  const worker = await scheduler.available.first(({ models }) => models.tiny === digest);
  const queries = [rawQuery([1, 2, 3, 4]), rawQuery([1, 2, 3, 4])];
  const done = await scheduler.run(worker, { queries });
  expect(done.inferenceMs).toBeGreaterThanOrEqual(2 * p50Ms);
  expect((await scheduler.run(worker, { subnet: 'large' })).answers).toMatchObject({ refused: 'unknown_subnet' });
});
