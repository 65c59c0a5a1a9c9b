/** Commands that no scheduler sends: a worker must serve on, and not be talked into anything. */
import type { RunningWorkers } from '@slackline/gpu-worker';
import { pack, parseAnswer, unpack, type WorkerStatus, workerTelemetry } from '@slackline/shared';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { Deployment } from './deployment.js';
import { floatsOf } from './harness.js';
import { executorsOf, HeldExecutor } from './held-executor.js';
import { entryOf, publishEntry, tinyServable } from './tiny-model.js';

const nats = withNatsServer();
const digest = 'd'.repeat(64);
let deployment: Deployment;
let executor: HeldExecutor;
let workers: RunningWorkers;

beforeEach(async () => {
  deployment = await Deployment.create(nats.url);
  executor = new HeldExecutor();
});
afterEach(async () => {
  executor.die(new Error('the test is over'));
  await deployment.end();
});

async function start() {
  const { bus, subjects, scheduler } = deployment;
  await publishEntry(bus, subjects, entryOf(tinyServable(), digest));
  workers = await deployment.start({ WORKER_ID: 'w' }, { executors: executorsOf(executor) });
  return scheduler.available.first(() => true);
}

/** What the lease says. */
async function leads(token: number) {
  const { bus, subjects } = deployment;
  const keys = await bus.keys(subjects.stores.leader, { storage: 'memory', replicas: 1 });
  await keys.put('scheduler', Buffer.from(JSON.stringify({ scheduler: 's', token })));
}

/** The leader's batch is run, at the latest when the worker has looked at the lease. */
async function obeysTheLeader(worker: WorkerStatus): Promise<void> {
  const { scheduler } = deployment;
  scheduler.token = 7;
  for (;;) {
    const done = scheduler.run(worker);
    const refused = await Promise.race([done, executor.has(1).then(() => undefined)]);
    if (refused === undefined) {
      executor.finish();
      expect(floatsOf(await done)).toEqual([[1, 2, 3, 4]]);
      return;
    }
    expect(refused).toMatchObject({ answers: { refused: 'stale_token' } });
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it('a token that no leader has does not keep the leader out', async () => {
  const worker = await start();
  await leads(7);
  deployment.scheduler.send(worker, { token: Number.MAX_SAFE_INTEGER, digest: 'none' });
  await obeysTheLeader(worker);
});

it('a token in a command of another epoch is not taken in', async () => {
  const worker = await start();
  const { scheduler } = deployment;
  scheduler.send(worker, { token: Number.MAX_SAFE_INTEGER, epoch: 'another' });
  scheduler.token = 7;
  const done = scheduler.run(worker);
  await executor.has(1);
  executor.finish();
  expect(floatsOf(await done)).toEqual([[1, 2, 3, 4]]);
});

it('a roll call with a token that no leader has does not keep the leader out', async () => {
  const worker = await start();
  const { bus, subjects } = deployment;
  await leads(7);
  bus.publish(subjects.rollCall, pack({ v: 1, token: Number.MAX_SAFE_INTEGER }));
  await obeysTheLeader(worker);
});

it('answers no ping and no measurement to a subject of the broker or of another service', async () => {
  await start();
  const { bus, subjects } = deployment;
  const heard: string[] = [];
  for (const subject of ['bank.transfer', subjects.queries('m')]) bus.subscribe(subject, (m) => heard.push(m.subject));
  for (const reply of ['bank.transfer', subjects.queries('m'), '$JS.API.STREAM.PURGE.X']) {
    bus.publish(subjects.ping('w'), new Uint8Array(0), { reply });
    bus.publish(subjects.measure('w'), new Uint8Array(3), { reply });
  }
  await bus.request(subjects.ping('w'), new Uint8Array(0), { timeoutMs: 5_000 });
  await bus.flush();
  expect(heard).toEqual([]);
});

it.each([
  ['bytes', new Uint8Array([1, 2, 3])],
  ['a grid of any size', pack({ v: 1, model: 'tiny', digest, subnets: ['small'], batches: [2 ** 40], budgetMs: 1 })],
  ['a grid without end', pack({ v: 1, model: 'tiny', digest, subnets: ['small'], batches: [1], budgetMs: 1e308 })],
])('refuses to measure %s with a code', async (_, request) => {
  await start();
  const { bus, subjects } = deployment;
  const answer = await bus.request(subjects.measure('w'), request, { timeoutMs: 5_000 });
  expect(parseAnswer(answer)).toMatchObject({ code: 'bad_message' });
});

it('drops a batch without queries, and one that would have it fetch without end', async () => {
  const worker = await start();
  const { scheduler, bus, subjects } = deployment;
  const idle = async () =>
    new Promise<string>((resolve) => {
      bus.subscribe(subjects.telemetry('worker'), ({ data }) =>
        resolve(unpack('telemetry', workerTelemetry, data).state),
      );
    });
  scheduler.send(worker, { queries: [] });
  const fetched = { id: 'q', contentType: 'application/octet-stream', payload: null, sequence: 1 };
  scheduler.send(worker, { queries: Array.from({ length: 5_000 }, () => fetched) });
  expect(await idle()).toBe('idle');
  expect(workers.workers[0]?.state).toBe('idle');
  expect(executor.batches).toEqual([]);
});
