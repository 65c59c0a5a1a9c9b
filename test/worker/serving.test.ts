/** A worker in this process, with a real broker and a real ONNX Runtime on its own thread. */
import { contentTypes, encode, measureReply, pack, profileKeys, unpack } from '@slackline/shared';
import { packServable } from '@slackline/supernet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { Deployment } from './deployment.js';
import { floatsOf, rawQuery } from './harness.js';
import { entryOf, publishEntry, publishServable, tinyServable } from './tiny-model.js';

const nats = withNatsServer();
let deployment: Deployment;

beforeEach(async () => {
  deployment = await Deployment.create(nats.url);
});
afterEach(() => deployment.end());

const request = (data: number[]) => ({ inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data }] });
const query = (contentType: string, payload: Uint8Array) => ({ ...rawQuery([]), contentType, payload });

async function servingTiny() {
  const { bus, subjects, scheduler } = deployment;
  const digest = await publishServable(bus, subjects, tinyServable());
  await deployment.start();
  const worker = await scheduler.available.first(({ models }) => models.tiny === digest);
  return { digest, worker };
}

describe('a batch', () => {
  it('is answered query by query, each in its own content type', async () => {
    const { worker } = await servingTiny();
    expect(worker).toMatchObject({ freeSlots: 1, executor: 'cpu', deviceClass: 'test', draining: false });
    const queries = [
      rawQuery([1, 2, 3, 4]),
      query(contentTypes.json, Buffer.from(JSON.stringify(request([1, 1, 1, 1])))),
      query(contentTypes.msgpack, encode(request([2, 2, 2, 2]))),
    ];
    const done = await deployment.scheduler.run(worker, { subnet: 'large', queries });
    expect(done).toMatchObject({ freeSlots: 1, token: 1, epoch: worker.epoch });
    expect(done.inferenceMs).toBeGreaterThan(0);
    expect(done.heldMs).toBeGreaterThanOrEqual(done.inferenceMs + done.actuationMs);
    const [raw, json, msgpack] = Array.isArray(done.answers) ? done.answers : [];
    if (!raw || !json || !msgpack || 'error' in raw || 'error' in json || 'error' in msgpack) throw new Error('failed');
    const y = { name: 'y', shape: [1, 2], datatype: 'FP32' };
    expect(raw.outputs).toEqual(Buffer.from(Float32Array.of(40, -40).buffer));
    expect(JSON.parse(Buffer.from(json.outputs).toString())).toEqual([{ ...y, data: [16, -16] }]);
    const data = new Uint8Array(Float32Array.of(32, -32).buffer);
    expect(Buffer.from(msgpack.outputs)).toEqual(Buffer.from(encode([{ ...y, data }])));
  });

  it('runs on the subnet that it names, switching as often as batches ask', async () => {
    const { worker } = await servingTiny();
    const found = [];
    for (const subnet of ['small', 'large', 'large', 'small']) {
      found.push(floatsOf(await deployment.scheduler.run(worker, { subnet, queries: [rawQuery([1, 2, 3, 4])] })));
    }
    expect(found).toEqual([[[10, -10]], [[40, -40]], [[40, -40]], [[10, -10]]]);
  });

  it('loses only the query that cannot be decoded', async () => {
    const { worker } = await servingTiny();
    const queries = [rawQuery([1, 2, 3]), rawQuery([1, 2, 3, 4]), query(contentTypes.json, Buffer.from('{'))];
    const [short, good, damaged] = floatsOf(await deployment.scheduler.run(worker, { queries }));
    expect(short).toMatch(/12 bytes/);
    expect(good).toEqual([10, -10]);
    expect(damaged).toMatch(/JSON/);
  });

  it('keeps NaN and infinities of one query from the others', async () => {
    const { worker } = await servingTiny();
    const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38];
    const queries = [rawQuery([1, 2, 3, 4]), rawQuery(odd), rawQuery([4, 3, 2, 2]), rawQuery(odd.slice(1).concat(0))];
    for (const subnet of ['small', 'large']) {
      const [first, poisoned, third] = floatsOf(await deployment.scheduler.run(worker, { subnet, queries }));
      const factor = subnet === 'small' ? 1 : 4;
      expect([first, third]).toEqual([
        [10 * factor, -10 * factor],
        [11 * factor, -11 * factor],
      ]);
      expect(poisoned).toHaveLength(2);
    }
    // And nothing of it is left behind.
    expect(floatsOf(await deployment.scheduler.run(worker, { queries: [rawQuery([1, 1, 1, 1])] }))).toEqual([[4, -4]]);
  });

  it('is refused whole when the subnet is not hosted', async () => {
    const { worker } = await servingTiny();
    const done = await deployment.scheduler.run(worker, { subnet: 'huge' });
    expect(done.answers).toMatchObject({ refused: 'unknown_subnet' });
    expect(floatsOf(await deployment.scheduler.run(worker))).toEqual([[10, -10]]);
  });
});

it('bodies that stayed in the stream are fetched by their sequence; one that is gone is that query’s error alone', async () => {
  const { bus, subjects, scheduler } = deployment;
  const { worker } = await servingTiny();
  await bus.ensureStream({
    name: subjects.stores.claims,
    subjects: [subjects.claims('*')],
    retention: 'workqueue',
    discard: 'new',
    storage: 'memory',
    replicas: 1,
  });
  const payload = new Uint8Array(Float32Array.of(5, 5, 5, 5).buffer);
  const { sequence } = await bus.publishToStream(subjects.claims('tiny'), payload, { id: 'q', timeoutMs: 5_000 });
  const claim = { ...rawQuery([]), id: 'q', payload: null };
  const queries = [{ ...claim, sequence }, { ...claim, sequence: sequence + 100 }, rawQuery([1, 2, 3, 4])];
  const [fetched, gone, carried] = floatsOf(await scheduler.run(worker, { queries }));
  expect(fetched).toEqual([20, -20]);
  expect(gone).toMatch(/no longer in the stream/);
  expect(carried).toEqual([10, -10]);
});

describe('the catalog', () => {
  it('a model that comes while the worker runs is served', async () => {
    const { bus, subjects, scheduler } = deployment;
    await deployment.start();
    expect(await scheduler.available.first(() => true)).toMatchObject({ models: {} });
    const digest = await publishServable(bus, subjects, tinyServable());
    const worker = await scheduler.available.first(({ models }) => models.tiny === digest);
    expect(floatsOf(await scheduler.run(worker))).toEqual([[10, -10]]);
  });

  it('several models are served side by side, and a new version takes the old one’s place', async () => {
    const { bus, subjects, scheduler } = deployment;
    const { digest } = await servingTiny();
    const other = await publishServable(bus, subjects, tinyServable({ name: 'other', scale: 3 }));
    const newer = await publishServable(bus, subjects, tinyServable({ scale: 2 }));
    const worker = await scheduler.available.first(({ models }) => models.tiny === newer && models.other === other);
    expect(newer).not.toBe(digest);
    expect(floatsOf(await scheduler.run(worker))).toEqual([[20, -20]]);
    expect(floatsOf(await scheduler.run(worker, { model: 'other' }))).toEqual([[30, -30]]);
  });

  it('a model that is taken out is let go and no longer run', async () => {
    const { bus, subjects, scheduler } = deployment;
    const { worker } = await servingTiny();
    const keys = await bus.keys(subjects.stores.profiles, { storage: 'memory', replicas: 1 });
    await keys.delete(profileKeys.model('tiny'));
    await scheduler.available.first(({ models }) => models.tiny === undefined, scheduler.available.all.indexOf(worker));
    expect((await scheduler.run(worker)).answers).toMatchObject({ refused: 'unknown_subnet' });
  });

  it('bytes that are not what their digest says are not served, and do no harm', async () => {
    const { bus, subjects, scheduler } = deployment;
    const { data, digest } = packServable(tinyServable({ name: 'damaged' }));
    const objects = await bus.objects(subjects.stores.models, { storage: 'memory', replicas: 1 });
    const tampered = Uint8Array.from(data);
    tampered[tampered.length - 1] = 1 + (tampered[tampered.length - 1] ?? 0);
    await objects.put(digest, tampered);
    await publishEntry(bus, subjects, entryOf(tinyServable({ name: 'damaged' }), digest));
    const { worker } = await servingTiny();
    expect(worker.models).not.toHaveProperty('damaged');
    expect(floatsOf(await scheduler.run(worker))).toEqual([[10, -10]]);
  });
});

describe('measuring', () => {
  const measure = (workerId: string, digest: string) =>
    deployment.bus.request(
      deployment.subjects.measure(workerId),
      pack({ v: 1, model: 'tiny', digest, subnets: ['small', 'large'], batches: [1, 2, 4], budgetMs: 5 }),
      { timeoutMs: 20_000 },
    );

  it('gives samples of every cell, with no slot offered meanwhile', async () => {
    const { digest, worker } = await servingTiny();
    const reply = await measure(worker.workerId, digest);
    const { samplesMs } = unpack('measure', measureReply, reply.data);
    expect(samplesMs.map((row) => row.length)).toEqual([3, 3]);
    for (const cell of samplesMs.flat()) {
      expect(cell.length).toBeGreaterThanOrEqual(3);
      expect(cell.every((ms) => ms > 0)).toBe(true);
    }
    const { statuses } = deployment.scheduler;
    const measuring = await statuses.first(({ freeSlots }) => freeSlots === 0, statuses.all.indexOf(worker));
    await statuses.first(({ freeSlots }) => freeSlots === 1, statuses.all.indexOf(measuring));
  });

  it('of another version is refused, with a code', async () => {
    const { worker } = await servingTiny();
    const reply = await measure(worker.workerId, 'f'.repeat(64));
    expect(reply.headers.get('Error-Code')).toBe('unknown_subnet');
  });
});
