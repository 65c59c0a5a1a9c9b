/** What breaks off goes on: a profiler that is killed or asked to end, a client that is gone, an upload that was cut. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { follow } from '@slackline/cli';
import { serviceEntry } from '@slackline/local';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { filesOf, parts } from './supernet.js';
import { System } from './system.js';

// Processes start and build here, and other tests do so beside them.
vi.setConfig({ testTimeout: 120_000 });
const nats = withNatsServer();
const never = new AbortController().signal;
let system: System;
let temporary: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  system = await System.create(nats.url);
  temporary = join(system.folder, 'temporary');
  await mkdir(temporary);
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await system.end();
});

/** A profiler that can be killed. Resolves when it is ready. */
async function profilerProcess(): Promise<ChildProcess> {
  const env = { ...process.env, ...system.env(), TMPDIR: temporary, LOG_LEVEL: process.env.LOG_LEVEL ?? 'silent' };
  const child = spawn(process.execPath, [serviceEntry('profiler')], {
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  children.push(child);
  await once(child, 'message');
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown[]> {
  const exited = once(child, 'exit');
  child.kill(signal);
  return exited;
}

it.each(['SIGKILL', 'SIGTERM'] as const)('a profiler that gets %s in a build leaves it to the next', async (signal) => {
  const child = await profilerProcess();
  const { digest } = await system.submit('net');
  await system.recordThat('net', (record) => record?.state === 'running');
  expect(await end(child, signal)).toEqual(signal === 'SIGTERM' ? [0, null] : [null, 'SIGKILL']);
  expect(await system.record('net')).toMatchObject({ digest, state: 'running' });
  expect((await system.listing()).uploads).toHaveLength(4);

  const followed = follow(system, { name: 'net', digest }, () => {}, never);
  const next = await profilerProcess();
  expect(await followed).toMatchObject({ submission: digest });
  expect(await system.listing()).toMatchObject({ records: {}, uploads: [] });
  expect(await end(next, 'SIGTERM')).toEqual([0, null]);
  expect(await readdir(temporary)).toEqual([]);
});

it('a profiler that is killed while workers load the model leaves the building to nobody', async () => {
  const child = await profilerProcess();
  await system.worker();
  const { digest } = await system.submit('net');
  await system.recordThat('net', (record) => record?.stage === 'loading');
  await end(child, 'SIGKILL');
  const { servable } = (await system.record('net')) ?? {};
  expect((await system.listing()).models).toEqual([servable]);

  const stages: string[] = [];
  const followed = follow(system, { name: 'net', digest }, ({ stage }) => stages.push(stage), never);
  await system.profiler();
  expect(await followed).toMatchObject({ submission: digest, digest: servable });
  expect(new Set(stages)).toEqual(
    new Set(['loading', 'latency', 'publishing'].filter((stage) => stages.includes(stage))),
  );
  expect(Object.keys((await system.listing()).profiles).sort()).toEqual(['latency.net.test', 'model.net']);
});

it('a profiler that finds the model published only tidies up', async () => {
  const first = await system.profiler();
  const { digest } = await system.submit('net');
  await follow(system, { name: 'net', digest }, () => {}, never);
  await first.stop();
  const published = await system.listing();
  // As if it had been killed between publishing and tidying up.
  const record = {
    ...{ v: 1, name: 'net', digest, sloMs: 5_000, options: { quick: true, seed: 1 } },
    files: Object.fromEntries(Object.entries(filesOf(parts())).map(([part, { data: _, ...file }]) => [part, file])),
    ...{ submittedAt: '2026-01-01T00:00:00Z', state: 'running', stage: 'publishing', shareDone: 0.99, leftMs: null },
  };
  for (const { digest: name, data } of Object.values(filesOf(parts()))) await system.uploads.put(name, data);
  const earlier = { v: 1, model: 'net', digest: 'e'.repeat(64), deviceClass: 'idle', executor: 'cpu', concurrency: 1 };
  const subnets = [{ id: 'x', accuracy: 1, p50Ms: [1], p99Ms: [1] }];
  const stale = { ...earlier, measuredAt: '2026-01-01T00:00:00Z', batches: [1], subnets };
  await system.profiles.put('latency.net.idle', Buffer.from(JSON.stringify(stale)));
  await system.profiles.put('candidate.net', Buffer.from(published.profiles['model.net'] ?? ''));
  await system.records.put('net', Buffer.from(JSON.stringify(record)));
  await system.profiler();
  await system.recordThat('net', (left) => left === undefined);
  expect(await system.listing()).toEqual(published);
});

it('a profiler that starts sweeps up what one has left that was killed', async () => {
  const first = await system.profiler();
  const { digest } = await system.submit('net');
  await follow(system, { name: 'net', digest }, () => {}, never);
  await first.stop();
  const published = await system.listing();
  const entry = JSON.parse(published.profiles['model.net'] ?? '{}');
  // Killed in the middle of taking a model away, and of giving a submission up.
  await system.profiles.put('latency.gone.test', Buffer.from('{}'));
  const candidate = { ...entry, name: 'half', digest: 'c'.repeat(64) };
  await system.profiles.put('candidate.half', Buffer.from(JSON.stringify(candidate)));
  for (const name of ['c', 'd']) await system.models.put(name.repeat(64), new Uint8Array(3));
  await system.profiler();
  expect(await system.listing()).toEqual(published);
});

it('what a profiler has left that was killed while it published goes with the submission', async () => {
  const first = await system.profiler();
  const worker = await system.worker();
  const { digest: served } = await system.submit('net');
  const entry = await follow(system, { name: 'net', digest: served }, () => {}, never);
  await first.stop();
  await worker.stop();
  const before = await system.listing();
  const profile = JSON.parse(before.profiles['latency.net.test'] ?? '{}');
  // Its files are gone: all that can become of it is a failure.
  const [digest, servable] = ['d'.repeat(64), 'e'.repeat(64)];
  const file = { digest, bytes: 1 };
  const record = {
    ...{ v: 1, name: 'net', digest, sloMs: 5_000, options: { quick: true, seed: 1 }, servable },
    files: { onnx: file, spec: file, images: file, labels: file },
    ...{ submittedAt: '2026-01-01T00:00:00Z', state: 'running', stage: 'publishing', shareDone: 0.99, leftMs: null },
  };
  for (const name of ['latency.net.test', 'latency.net.other']) {
    await system.profiles.put(name, Buffer.from(JSON.stringify({ ...profile, digest: servable })));
  }
  await system.records.put('net', Buffer.from(JSON.stringify(record)));
  await system.profiler();
  await system.recordThat('net', (left) => left?.state === 'failed');
  expect(Object.keys((await system.listing()).profiles)).toEqual(['model.net']);
  // The version that is served is measured again.
  await system.worker();
  await expect.poll(async () => Object.keys((await system.listing()).profiles)).toHaveLength(2);
  const again = JSON.parse((await system.listing()).profiles['latency.net.test'] ?? '{}');
  expect(again.digest).toBe(entry.digest);
});

it('an upload that was cut is completed by the next attempt', async () => {
  await system.profiler();
  const { onnx, spec } = filesOf(parts());
  await system.uploads.put(onnx.digest, onnx.data);
  await system.uploads.put(spec.digest, spec.data.subarray(0, 3));
  const { digest, status } = await system.submit('net');
  expect(status).toBe('accepted');
  await follow(system, { name: 'net', digest }, () => {}, never);
});

it('a client that was interrupted leaves the submission alone and can follow it again', async () => {
  await system.profiler();
  const { digest } = await system.submit('net');
  const interrupted = new AbortController();
  const followed = follow(system, { name: 'net', digest }, () => {}, interrupted.signal);
  interrupted.abort(new Error('Ctrl-C'));
  await expect(followed).rejects.toThrow('Ctrl-C');
  expect(await follow(system, { name: 'net', digest }, () => {}, never)).toMatchObject({ submission: digest });
});
