/** The worker as a process of its own: alone in an empty folder, paused, killed, asked to end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passes } from 'node:timers/promises';
import { serviceEntry } from '@slackline/local';
import { type LatencyProfile, profileKeys } from '@slackline/shared';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { Deployment } from './deployment.js';
import { floatsOf } from './harness.js';
import { entryOf, publishEntry, publishServable, tinyServable } from './tiny-model.js';

const nats = withNatsServer();
const digest = 'd'.repeat(64);
let deployment: Deployment;
let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  deployment = await Deployment.create(nats.url);
  folder = await mkdtemp(join(tmpdir(), 'slackline-worker-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await rm(folder, { recursive: true });
  await deployment.end();
});

/** Starts a worker with nothing but `env`, and waits until it says that it is ready. */
async function start(env: Record<string, string>): Promise<ChildProcess> {
  const stdio = ['ignore', 'inherit', process.env.LOG_LEVEL ? 'inherit' : 'ignore', 'ipc'] as const;
  const child = spawn(process.execPath, [serviceEntry('gpu-worker')], { cwd: folder, env, stdio: [...stdio] });
  children.push(child);
  await once(child, 'message');
  return child;
}

/** A worker whose batches take `ms`. */
async function startEmulated(ms: number, more: Record<string, string> = {}): Promise<ChildProcess> {
  const { bus, subjects } = deployment;
  const profile: LatencyProfile = {
    v: 1,
    model: 'tiny',
    digest,
    deviceClass: 'test',
    executor: 'test',
    concurrency: 1,
    measuredAt: '2026-01-01T00:00:00Z',
    batches: [1],
    subnets: [{ id: 'small', accuracy: 0.7, p50Ms: [ms], p99Ms: [ms] }],
  };
  await publishEntry(bus, subjects, entryOf(tinyServable(), digest));
  const keys = await bus.keys(subjects.stores.profiles, { storage: 'memory', replicas: 1 });
  await keys.put(profileKeys.latency('tiny', 'test'), Buffer.from(JSON.stringify(profile)));
  return start(deployment.env({ EXECUTOR: 'emulated', WORKER_ID: 'w', HEARTBEAT_MS: '30', ...more }));
}

it('alone in an empty folder, knowing only where NATS is, a worker gets its model from the object store and serves', async () => {
  const { bus, subjects, scheduler } = deployment;
  const published = await publishServable(bus, subjects, tinyServable());
  await start({ NATS_URL: nats.url, SUBJECT_PREFIX: subjects.prefix });
  const worker = await scheduler.available.first(({ models }) => models.tiny === published);
  expect(worker.workerId).toMatch(/-\d+$/);
  expect(worker.deviceClass).toMatch(/^onnxruntime-cpu-./);
  expect(floatsOf(await scheduler.run(worker, { subnet: 'large' }))).toEqual([[40, -40]]);
  expect(await readdir(folder)).toEqual([]);
});

it('paused for longer than a scheduler waits, it comes back under a new epoch', async () => {
  const child = await startEmulated(1, { DEAD_AFTER_MS: '1000' });
  const { scheduler } = deployment;
  const worker = await scheduler.available.first(() => true);
  child.kill('SIGSTOP');
  await passes(1_200);
  child.kill('SIGCONT');
  const renewed = await scheduler.available.first(({ epoch }) => epoch !== worker.epoch);
  expect(renewed).toMatchObject({ workerId: 'w', freeSlots: 2 });
  expect(floatsOf(await scheduler.run(renewed))).toEqual([[0, 0]]);
});

it('killed with a batch, it is gone at once, says nothing of it, and its successor has another epoch', async () => {
  const child = await startEmulated(60_000);
  const { bus, subjects, scheduler } = deployment;
  const worker = await scheduler.available.first(() => true);
  scheduler.send(worker, {});
  await scheduler.statuses.first(({ batchId }) => batchId !== null);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const ping = () => bus.request(subjects.ping('w'), new Uint8Array(0), { timeoutMs: 5_000 });
  await expect.poll(() => ping().catch((error: { code: string }) => error.code)).toBe('no_responders');
  expect(scheduler.done.all).toEqual([]);

  await startEmulated(1);
  const successor = await scheduler.available.first(({ epoch }) => epoch !== worker.epoch);
  expect(floatsOf(await scheduler.run(successor))).toEqual([[0, 0]]);
});

it('asked to end with a batch, it finishes it and ends well', async () => {
  const child = await startEmulated(300);
  const { scheduler } = deployment;
  const worker = await scheduler.available.first(() => true);
  const batch = scheduler.run(worker);
  await scheduler.statuses.first(({ batchId }) => batchId !== null);
  child.kill('SIGTERM');
  await scheduler.statuses.first(({ draining, batchId }) => draining && batchId !== null);
  expect(floatsOf(await batch)).toEqual([[0, 0]]);
  expect(await once(child, 'exit')).toEqual([0, null]);
});
