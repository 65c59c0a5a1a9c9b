/** What a worker makes of commands and of the end: its own code on a real broker, with a device that the test moves. */
import type { RunningWorkers } from '@slackline/gpu-worker';
import { pack, unpack, workerTelemetry } from '@slackline/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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

async function start(env: Record<string, string> = {}) {
  const { bus, subjects, scheduler } = deployment;
  await publishEntry(bus, subjects, entryOf(tinyServable(), digest));
  workers = await deployment.start({ WORKER_ID: 'w', ...env }, { executors: executorsOf(executor) });
  return scheduler.available.first(() => true);
}

beforeEach(async () => {
  deployment = await Deployment.create(nats.url);
  executor = new HeldExecutor();
});
afterEach(async () => {
  // A test that failed may have left a batch on the device.
  executor.die(new Error('the test is over'));
  await deployment.end();
});

describe('the fencing token', () => {
  it('of a scheduler that was replaced is refused; that of its successor is obeyed', async () => {
    const worker = await start();
    const { scheduler } = deployment;
    scheduler.token = 7;
    const first = scheduler.run(worker);
    await executor.has(1);
    executor.finish();
    expect(floatsOf(await first)).toEqual([[1, 2, 3, 4]]);
    scheduler.token = 6;
    const stale = await scheduler.run(worker);
    expect(stale).toMatchObject({ token: 6, answers: { refused: 'stale_token' } });
    expect(executor.batches.length).toBe(1);
    scheduler.token = 8;
    scheduler.send(worker, {});
    await executor.has(2);
    executor.finish();
  });
});

describe('the epoch', () => {
  it('is over with a fenced notice, and the worker comes back under a new one', async () => {
    const worker = await start();
    const { bus, subjects, scheduler } = deployment;
    bus.publish(subjects.fenced('w'), pack({ v: 1, epoch: 'somebody else’s', token: 1 }));
    bus.publish(subjects.fenced('w'), pack({ v: 1, epoch: worker.epoch, token: 1 }));
    const renewed = await scheduler.available.first(({ epoch }) => epoch !== worker.epoch);
    // The command of the old epoch is ignored: the next one runs alone.
    scheduler.send(worker, { batchId: 'old' });
    const batch = scheduler.run(renewed, { batchId: 'new' });
    await executor.has(1);
    executor.finish();
    expect(await batch).toMatchObject({ epoch: renewed.epoch, freeSlots: 1 });
    expect(executor.batches.length).toBe(1);
    expect(scheduler.done.all.map(({ batchId }) => batchId)).toEqual(['new']);
  });

  it('that ends during a batch stays that batch’s, and the worker then offers itself under the new one', async () => {
    const worker = await start();
    const { bus, subjects, scheduler } = deployment;
    const batch = scheduler.run(worker);
    await executor.has(1);
    bus.publish(subjects.fenced('w'), pack({ v: 1, epoch: worker.epoch, token: 1 }));
    const renewed = await scheduler.statuses.first(({ epoch }) => epoch !== worker.epoch);
    expect(renewed.freeSlots).toBe(0);
    executor.finish();
    expect((await batch).epoch).toBe(worker.epoch);
    const free = await scheduler.available.first(({ epoch }) => epoch === renewed.epoch);
    expect(free).toMatchObject({ freeSlots: 1, batchId: null });
  });
});

it('after the broker was killed and came back, the worker has a new epoch and still follows the catalog', async () => {
  const { bus, subjects, scheduler } = deployment;
  const entry = entryOf(tinyServable(), digest);
  await publishEntry(bus, subjects, entry, 'file');
  workers = await deployment.start({ WORKER_ID: 'w' }, { executors: executorsOf(executor) });
  const worker = await scheduler.available.first(() => true);
  await nats.server.kill();
  await nats.server.restart();
  await scheduler.statuses.first(({ epoch }) => epoch !== worker.epoch);
  await publishEntry(bus, subjects, { ...entry, name: 'another' });
  await scheduler.statuses.first(({ models }) => models.another === digest);
  // The client notices only by missed heartbeats of the broker that a watch has to be set up again.
}, 60_000);

describe('a worker with a batch', () => {
  it('says which, takes no other, and still answers pings', async () => {
    const worker = await start();
    const { bus, subjects, scheduler } = deployment;
    const first = scheduler.run(worker);
    await executor.has(1);
    const busy = await scheduler.statuses.first(({ batchId }) => batchId !== null);
    expect(busy).toMatchObject({ freeSlots: 0, batchId: 'b1' });
    expect((await scheduler.run(worker)).answers).toMatchObject({ refused: 'unavailable' });
    await bus.request(subjects.ping('w'), new Uint8Array(0), { timeoutMs: 5_000 });
    executor.finish();
    expect(await first).toMatchObject({ batchId: 'b1', freeSlots: 1 });
    // It had said that it was not free: now it says that it is.
    const after = scheduler.statuses.all.indexOf(busy);
    await scheduler.available.first(({ batchId }) => batchId === null, scheduler.available.all.indexOf(worker) + 1);
    await scheduler.statuses.first(({ freeSlots }) => freeSlots === 1, after);
  });

  it('finishes it before it stops, and says goodbye', async () => {
    const worker = await start();
    const { bus, subjects, scheduler } = deployment;
    const batch = scheduler.run(worker);
    await executor.has(1);
    const stopped = workers.stop();
    expect(await scheduler.statuses.first(({ draining }) => draining)).toMatchObject({ batchId: 'b1', freeSlots: 0 });
    expect(executor.closed).toBe(false);
    executor.finish();
    expect(floatsOf(await batch)).toEqual([[1, 2, 3, 4]]);
    expect((await batch).freeSlots).toBe(0);
    await scheduler.statuses.first(({ draining, batchId }) => draining && batchId === null);
    await stopped;
    expect(executor.closed).toBe(true);
    const ping = bus.request(subjects.ping('w'), new Uint8Array(0), { timeoutMs: 5_000 });
    await expect(ping).rejects.toMatchObject({ code: 'no_responders' });
  });

  it('whose executor dies on it says nothing of it, and fails as a service', async () => {
    const worker = await start();
    const { scheduler } = deployment;
    scheduler.send(worker, {});
    await executor.has(1);
    executor.die(new Error('segmentation fault'));
    expect(await workers.failed).toMatchObject({ code: 'service_failed' });
    await workers.stop();
    await deployment.bus.flush();
    expect(scheduler.done.all).toEqual([]);
  });
});

it('a measurement is abandoned when the worker stops', async () => {
  await start();
  const { bus, subjects, scheduler } = deployment;
  const request = { v: 1 as const, model: 'tiny', digest, subnets: ['small'], batches: [1], budgetMs: 60_000 };
  const reply = bus.request(subjects.measure('w'), pack(request), { timeoutMs: 20_000 });
  await scheduler.statuses.first(({ freeSlots }) => freeSlots === 0, scheduler.statuses.all.length);
  await expect.poll(() => workers.workers[0]?.state).toBe('measuring');
  await workers.stop();
  expect((await reply).headers.get('Error-Code')).toBe('executor_failed');
});

it('messages that cannot be understood change nothing', async () => {
  const worker = await start();
  const { bus, subjects, scheduler } = deployment;
  for (const subject of [subjects.batch('w'), subjects.fenced('w'), subjects.measure('w')]) {
    bus.publish(subject, Buffer.from('not msgpack'));
    bus.publish(subject, new Uint8Array(0));
    bus.publish(subject, pack({ v: 1, queries: 'none' } as { v: 1 }));
  }
  const batch = scheduler.run(worker);
  await executor.has(1);
  executor.finish();
  expect((await batch).epoch).toBe(worker.epoch);
});

it('a summary comes every second', async () => {
  const { bus, subjects } = deployment;
  const told = new Promise<Uint8Array>((resolve) =>
    bus.subscribe(subjects.telemetry('worker'), ({ data }) => resolve(data)),
  );
  await start();
  const summary = unpack('telemetry', workerTelemetry, await told);
  expect(summary).toMatchObject({ workerId: 'w', executor: 'held', state: 'idle', batches: 0, busyShare: 0 });
});
