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
    expect(await batch).toMatchObject({ epoch: renewed.epoch, freeSlots: 2 });
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
    expect(renewed).toMatchObject({ freeSlots: 1, batchId: 'b1' });
    executor.finish();
    expect((await batch).epoch).toBe(worker.epoch);
    const free = await scheduler.available.first(({ epoch, batchId }) => epoch === renewed.epoch && batchId === null);
    expect(free.freeSlots).toBe(2);
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
  it('says which, takes one more and no third, and still answers pings', async () => {
    const worker = await start();
    const { bus, subjects, scheduler } = deployment;
    const first = scheduler.run(worker);
    await executor.has(1);
    const busy = await scheduler.statuses.first(({ batchId }) => batchId !== null);
    expect(busy).toMatchObject({ slots: 2, freeSlots: 1, batchId: 'b1' });
    const second = scheduler.run(worker);
    expect((await scheduler.run(worker)).answers).toMatchObject({ refused: 'unavailable' });
    const full = await scheduler.statuses.first(({ freeSlots, batchId }) => freeSlots === 0 && batchId === 'b1');
    await bus.request(subjects.ping('w'), new Uint8Array(0), { timeoutMs: 5_000 });
    expect(executor.batches.length).toBe(1);
    executor.finish();
    expect(await first).toMatchObject({ batchId: 'b1', freeSlots: 1 });
    // It had said that it had no slot: now it says that it has.
    const after = scheduler.statuses.all.indexOf(full);
    expect((await scheduler.available.first(({ batchId }) => batchId === 'b2')).freeSlots).toBe(1);
    await executor.has(2);
    executor.finish();
    const { waitedMs, heldMs, freeSlots } = await second;
    expect(freeSlots).toBe(2);
    expect(waitedMs).toBeGreaterThan(0);
    expect(waitedMs).toBeLessThanOrEqual(heldMs);
    await scheduler.statuses.first((status) => status.freeSlots === 2 && status.batchId === null, after);
  });

  it('says nothing of slots that batches take and give back: schedulers know', async () => {
    // No heartbeat comes in between.
    const worker = await start({ HEARTBEAT_MS: '10000' });
    const { scheduler } = deployment;
    const statuses = scheduler.statuses.all.length;
    const batches = [1, 2, 3].map((each) => ({ each, done: scheduler.run(worker) }));
    for (const { each, done } of batches.slice(0, 2)) {
      await executor.has(each);
      executor.finish();
      await done;
    }
    await deployment.bus.flush();
    expect(scheduler.statuses.all.length).toBe(statuses);
  });

  it('lets the one that waits for the device go when its epoch is over: that runs elsewhere', async () => {
    const worker = await start();
    const { bus, subjects, scheduler } = deployment;
    const first = scheduler.run(worker);
    await executor.has(1);
    scheduler.send(worker, {});
    bus.publish(subjects.fenced('w'), pack({ v: 1, epoch: worker.epoch, token: 1 }));
    const renewed = await scheduler.statuses.first(({ epoch }) => epoch !== worker.epoch);
    executor.finish();
    await first;
    const third = scheduler.run(renewed);
    await executor.has(2);
    executor.finish();
    expect((await third).batchId).toBe('b3');
    expect(scheduler.done.all.map(({ batchId }) => batchId)).toEqual(['b1', 'b3']);
  });

  it('finishes it, and the one that waits, before it stops, and says goodbye', async () => {
    const worker = await start();
    const { bus, subjects, scheduler } = deployment;
    const batch = scheduler.run(worker);
    await executor.has(1);
    const next = scheduler.run(worker);
    const stopped = workers.stop();
    expect(await scheduler.statuses.first(({ draining }) => draining)).toMatchObject({ batchId: 'b1', freeSlots: 0 });
    expect(executor.closed).toBe(false);
    executor.finish();
    expect(floatsOf(await batch)).toEqual([[1, 2, 3, 4]]);
    expect((await batch).freeSlots).toBe(0);
    await executor.has(2);
    executor.finish();
    expect(floatsOf(await next)).toEqual([[1, 2, 3, 4]]);
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
    // This one has nothing to do with it: it is handed back.
    const next = scheduler.run(worker);
    await deployment.bus.flush();
    executor.die(new Error('segmentation fault'));
    expect(await workers.failed).toMatchObject({ code: 'service_failed' });
    expect((await next).answers).toMatchObject({ refused: 'unavailable' });
    await workers.stop();
    await deployment.bus.flush();
    expect(scheduler.done.all.map(({ batchId }) => batchId)).toEqual(['b2']);
    const last = scheduler.statuses.all.at(-1);
    expect(last).toMatchObject({ draining: true, batchId: 'b1' });
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
