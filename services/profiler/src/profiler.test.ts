/** The resident profiler against a real nats-server; the workers are stand-ins that answer what they are told. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type NatsServer, startNatsServer } from '@slackline/local';
import {
  type Bus,
  type Clock,
  connectBus,
  createLog,
  type LatencyProfile,
  latencyProfile,
  modelEntry,
  type ProfilerTelemetry,
  pack,
  profilerTelemetry,
  type RunningService,
  readConfig,
  remeasureReply,
  requestReply,
  Subjects,
  systemClock,
  unpack,
} from '@slackline/shared';
import { unpackServable } from '@slackline/supernet';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { writeBuildResult } from './build/result.js';
import { profilerConfig } from './config.js';
import { startProfiler } from './profiler.js';
import { readModelFolder } from './stages/read.js';
import { type StandInOptions, StandInWorker } from './testing/stand-in-worker.js';

const shippedModel = fileURLToPath(new URL('../../../models/fashion/', import.meta.url));
const deviceClass = 'test-class';
const batches = [1, 2, 4, 8, 16];
const subnetIds = ['small', 'medium', 'large'];

let server: NatsServer;
let directory: string;
let modelFolder: string;
beforeAll(async () => {
  server = await startNatsServer();
  directory = await mkdtemp(join(tmpdir(), 'slackline-profiler-'));
  modelFolder = join(directory, 'model');
  for (const file of ['model.json', 'net.onnx', 'spec.json', 'calibration.npy.gz']) {
    await cp(join(shippedModel, file), join(modelFolder, file));
  }
  const subnets = subnetIds.map((id, i) => ({
    id,
    config: { width1: 16 * 2 ** i },
    macs: i + 1,
    heldOutAccuracy: 0.8 + i / 20,
    accuracy: [0.81, 0.86, 0.91][i] ?? 0,
    statistics: Uint8Array.of(i),
  }));
  await writeBuildResult(await readModelFolder(modelFolder), { candidates: 3, seed: 1, subnets });
});
afterAll(async () => {
  await server?.close();
  await rm(directory, { recursive: true, force: true });
});

// Every test has its own subjects, buckets and folder of profiles.
let prefix = '';
let tests = 0;
let bus: Bus;
let told: ProfilerTelemetry[] = [];
let running: RunningService[] = [];
beforeEach(async () => {
  tests += 1;
  prefix = `t${tests}`;
  bus = await connectBus({ url: server.url, name: 'test' });
  told = [];
  bus.subscribe(new Subjects(prefix).telemetry('profiler'), ({ data }) => {
    told.push(unpack('telemetry', profilerTelemetry, data));
  });
  await bus.flush();
});
afterEach(async () => {
  for (const service of running.reverse()) await service.stop();
  running = [];
  await bus.close();
});

async function start(env: Record<string, string> = {}, clock: Clock = systemClock): Promise<RunningService> {
  const config = readConfig(profilerConfig, {
    SUBJECT_PREFIX: prefix,
    STORAGE: 'memory',
    MODELS_DIRS: modelFolder,
    PROFILE_DIR: join(directory, prefix),
    ...env,
  });
  const service = await startProfiler(config, { bus, clock, log: createLog('profiler', 'silent') });
  running.push(service);
  return service;
}

const keys = () => bus.keys(new Subjects(prefix).stores.profiles, { storage: 'memory', replicas: 1 });

async function publishedModel() {
  const entry = await (await keys()).get('model.fashion');
  return modelEntry.parse(JSON.parse(new TextDecoder().decode(entry?.value)));
}

/** Resolves with the published latency profile. */
async function profileOf(name = deviceClass): Promise<LatencyProfile> {
  const bucket = await keys();
  return new Promise((resolve, reject) => {
    const watch = bucket.watch(({ key, value }) => {
      if (key !== `latency.fashion.${name}` || value === undefined) return;
      resolve(latencyProfile.parse(JSON.parse(new TextDecoder().decode(value))));
      watch.then((subscription) => subscription.drain()).catch(reject);
    });
    watch.catch(reject);
  });
}

/** A worker that takes (subnet's place x batch) milliseconds, or half of one more. */
async function work(id: string, options: Partial<StandInOptions> = {}): Promise<StandInWorker> {
  const { digest } = await publishedModel();
  const samplesMs = (subnet: string, batch: number) => {
    const ms = (subnetIds.indexOf(subnet) + 1) * batch;
    return [ms, ms + 0.5];
  };
  const basics = { url: server.url, subjects: new Subjects(prefix), id, deviceClass, models: { fashion: digest } };
  const worker = await StandInWorker.start({ ...basics, samplesMs, ...options });
  running.push({ stop: () => worker.die() });
  return worker;
}

test('publishes a servable that the entry describes, and writes nothing again on the next start', async () => {
  const first = await start();
  const entry = await publishedModel();
  expect(entry).toMatchObject({
    name: 'fashion',
    sloMs: 36,
    inputs: [{ name: 'image', datatype: 'UINT8', shape: [-1, 1, 28, 28] }],
    outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, 10] }],
  });
  const objects = await bus.objects(new Subjects(prefix).stores.models, { storage: 'memory', replicas: 1 });
  const servable = unpackServable((await objects.get(entry.digest)) ?? new Uint8Array(), entry.digest);
  expect(servable.subnets.map(({ id, accuracy }) => ({ id, accuracy }))).toEqual(entry.subnets);
  expect(servable.subnets.map(({ statistics }) => [...statistics])).toEqual([[0], [1], [2]]);

  const before = await (await keys()).get('model.fashion');
  await first.stop();
  await start();
  expect((await (await keys()).get('model.fashion'))?.revision).toBe(before?.revision);
});

test('times the workers of a class together, once enough of them have come', async () => {
  await start({ WORKERS_EXPECTED: '2', WORKERS_WAIT_MS: '20000' });
  const first = await work('a');
  const second = await work('b');
  const profile = await profileOf();

  expect(profile).toMatchObject({
    model: 'fashion',
    deviceClass,
    executor: 'cpu',
    concurrency: 2,
    batches,
  });
  expect(profile.digest).toBe((await publishedModel()).digest);
  expect(profile.subnets.map(({ id, accuracy }) => [id, accuracy])).toEqual([
    ['small', 0.81],
    ['medium', 0.86],
    ['large', 0.91],
  ]);
  expect(profile.subnets[1]?.p50Ms).toEqual([2.25, 4.25, 8.25, 16.25, 32.25]);
  expect(first.requests).toHaveLength(second.requests.length);
  for (const [i, request] of first.requests.entries()) {
    const other = second.requests[i];
    expect(other?.subnet).toBe(request.subnet);
    expect(request.startedAtMs).toBeLessThan(other?.endedAtMs ?? 0);
    expect(other?.startedAtMs).toBeLessThan(request.endedAtMs);
  }
  await bus.flush();
  expect(told.at(-1)).toMatchObject({ stage: 'ready', model: 'fashion', deviceClass });
  expect(told.filter(({ stage }) => stage === 'latency').map(({ done, total }) => [done, total])).toEqual(
    [1, 2, 3, 4, 5, 6].map((done) => [done, 6]),
  );
});

test('keeps profiles in a readable file and measures nothing when that still fits', async () => {
  const service = await start();
  const worker = await work('a');
  const measured = await profileOf();
  const path = join(directory, prefix, `fashion.${deviceClass}.json`);
  const text = await readFile(path, 'utf8');
  expect(latencyProfile.parse(JSON.parse(text))).toEqual(measured);
  expect(text.split('\n').length).toBeGreaterThan(10);
  expect(await readdir(join(directory, prefix))).toEqual([`fashion.${deviceClass}.json`]);
  await worker.die();
  await service.stop();

  const kept = join(directory, prefix);
  prefix = `${prefix}-again`;
  await start({ PROFILE_DIR: kept });
  const idle = await work('b');
  expect(await profileOf()).toEqual(measured);
  expect(idle.requests).toEqual([]);
});

test.each([
  ['another version', (profile: LatencyProfile) => ({ ...profile, digest: '0'.repeat(64) })],
  ['another number of workers', (profile: LatencyProfile) => ({ ...profile, concurrency: 3 })],
  ['other batch sizes', (profile: LatencyProfile) => ({ ...profile, batches: [1, 2, 4, 8, 32] })],
])('measures again when the kept profile is of %s', async (_what, change) => {
  const service = await start();
  const first = await work('a');
  const path = join(directory, prefix, `fashion.${deviceClass}.json`);
  const measured = await profileOf();
  await first.die();
  await service.stop();
  await writeFile(path, JSON.stringify({ ...change(measured), measuredAt: 'before' }));

  const kept = join(directory, prefix);
  prefix = `${prefix}-again`;
  await start({ PROFILE_DIR: kept });
  const second = await work('b');
  const { measuredAt: _, ...profile } = await profileOf();
  expect(measured).toMatchObject(profile);
  expect(second.requests).not.toEqual([]);
});

test('goes on with those that remain when a worker dies while it is timed', async () => {
  await start({ WORKERS_EXPECTED: '2', WORKERS_WAIT_MS: '1000' });
  const survivor = await work('a');
  const mortal = await work('b', { behave: ({ requests }) => (requests.length === 2 ? 'die' : 'measure') });
  const profile = await profileOf();
  expect(profile.concurrency).toBe(1);
  expect(mortal.requests).toHaveLength(2);
  // Samples that were taken beside the dead one are not in the profile: the whole grid was timed again.
  expect(survivor.requests.slice(-6).map(({ subnet }) => subnet)).toEqual([...subnetIds, ...subnetIds]);
  expect(profile.subnets).toHaveLength(3);
});

test('asks again a worker that was busy', async () => {
  await start();
  const worker = await work('a', { behave: ({ requests }) => (requests.length === 0 ? 'refuse' : 'measure') });
  expect((await profileOf()).subnets).toHaveLength(3);
  expect(worker.requests).toHaveLength(7);
});

/** Says what a scheduler says while it serves, until `stop`. */
function pretendTraffic(): { stop: () => void } {
  let ok = 0;
  const tell = () => {
    ok += 1;
    const outcomes = { ok, late: 0, expired: 0, failed: 0 };
    const summary = { v: 1, queued: 1, inFlight: 0, workers: 2, workersLost: 0, outcomes, subnets: {}, meanBatch: 1 };
    bus.publish(new Subjects(prefix).telemetry('scheduler'), pack(summary as { v: 1 }));
  };
  tell();
  const timer = setInterval(tell, 100);
  return { stop: () => clearInterval(timer) };
}

test('leaves one worker to the queries while they are served', async () => {
  await start({ WORKERS_EXPECTED: '2', WORKERS_WAIT_MS: '20000' });
  const traffic = pretendTraffic();
  await bus.flush();
  const workers = [await work('a'), await work('b')];
  try {
    expect(await profileOf()).toMatchObject({ concurrency: 1 });
    expect(workers.map(({ requests }) => requests.length).sort()).toEqual([0, 6]);
  } finally {
    traffic.stop();
  }
});

test('times the only worker of a class in pieces while queries are served', async () => {
  await start();
  const traffic = pretendTraffic();
  await bus.flush();
  const worker = await work('a');
  try {
    expect((await profileOf()).subnets.map(({ p50Ms }) => p50Ms.length)).toEqual([5, 5, 5]);
    // Each cell alone, in two rounds.
    expect(worker.requests).toHaveLength(2 * subnetIds.length * batches.length);
  } finally {
    traffic.stop();
  }
});

test('begins again with a worker less when queries come while all are timed', async () => {
  await start({ WORKERS_EXPECTED: '2', WORKERS_WAIT_MS: '20000' });
  let traffic: ReturnType<typeof pretendTraffic> | undefined;
  const behave = () => {
    traffic ??= pretendTraffic();
    return 'measure' as const;
  };
  await work('a', { behave });
  await work('b', { behave });
  try {
    expect(await profileOf()).toMatchObject({ concurrency: 1 });
  } finally {
    traffic?.stop();
  }
});

function resolvable() {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((onResolve) => {
    resolve = onResolve;
  });
  return { promise, resolve };
}

test('gives up what it measures of a version that is not served any more', async () => {
  await start();
  const bucket = await keys();
  const entry = (await bucket.get('model.fashion'))?.value ?? new Uint8Array();
  const { promise: begun, resolve: begin } = resolvable();
  const behave = ({ requests }: StandInWorker) => {
    if (requests.length === 1) begin();
    return 'measure' as const;
  };
  const worker = await work('a', { behave });
  await begun;
  await bucket.delete('model.fashion');
  await bucket.put('model.fashion', entry);
  expect((await profileOf()).subnets).toHaveLength(3);
  expect(worker.requests.length).toBeGreaterThan(6);
});

test('measures anew when asked to, while what was measured before stands', async () => {
  await start();
  const worker = await work('a');
  const before = await profileOf();
  const ask = (message: object) =>
    requestReply(bus, new Subjects(prefix).profiler('measure'), { v: 1, ...message } as { v: 1 }, {
      ...{ kind: 'measure reply', schema: remeasureReply, timeoutMs: 5_000 },
    });
  expect(await ask({ name: 'fashion' })).toMatchObject({ deviceClasses: [deviceClass] });
  expect(await profileOf()).toEqual(before);
  await expect.poll(profileOf).not.toEqual(before);
  expect(worker.requests).toHaveLength(12);
  await expect(ask({ name: 'fashion', deviceClass: 'other' })).rejects.toMatchObject({ code: 'unavailable' });
  await expect(ask({ name: 'unheard-of' })).rejects.toMatchObject({ code: 'unknown_model' });
});

test('measures once for all who ask while it is under way', async () => {
  await start();
  const worker = await work('a');
  let known = await profileOf();
  const reply = { kind: 'measure reply', schema: remeasureReply, timeoutMs: 5_000 };
  const ask = () =>
    requestReply(bus, new Subjects(prefix).profiler('measure'), { v: 1, name: 'fashion' } as { v: 1 }, reply);
  const untilAnew = async () => {
    const before = known;
    await expect.poll(profileOf).not.toEqual(before);
    known = await profileOf();
  };
  await Promise.all(Array.from({ length: 20 }, ask));
  await untilAnew();
  // Behind whatever else was begun.
  await ask();
  await untilAnew();
  expect(worker.requests).toHaveLength(18);
});

test('counts workers of different hosts apart', async () => {
  await start({ WORKERS_EXPECTED: '3', WORKERS_WAIT_MS: '20000' });
  await work('a', { host: 'one' });
  await work('b', { host: 'two' });
  await work('c', { host: 'two' });
  expect((await profileOf()).concurrency).toBe(2);
});

test('never times emulated workers', async () => {
  await start();
  const emulated = await work('e', { executor: 'emulated' });
  await work('a');
  await profileOf();
  expect(emulated.requests).toEqual([]);
});

async function read(key: string): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode((await (await keys()).get(key))?.value));
}

test('serves a family of separate models on two emulated classes as one model, loading times included', async () => {
  const files = ['emulated-v100', 'emulated-quarter-v100'].map((name) =>
    fileURLToPath(new URL(`../profiles/resnets.${name}.json`, import.meta.url)),
  );
  await start({ MODELS_DIRS: '', EMULATED_PROFILES: files.join() });
  const { digest, subnets } = modelEntry.parse(await read('model.resnets'));
  const [fast, slow] = await Promise.all(
    ['emulated-v100', 'emulated-quarter-v100'].map(async (name) =>
      latencyProfile.parse(await read(`latency.resnets.${name}`)),
    ),
  );
  expect([fast?.digest, slow?.digest]).toEqual([digest, digest]);
  expect(subnets).toHaveLength(6);
  expect(fast?.subnets.map(({ loadMs }) => loadMs)).toEqual([3.81, 7.11, 8, 8, 14, 19.55]);
  expect(slow?.subnets[0]).toMatchObject({ id: 'resnet18-v2', loadMs: 4 * 3.81 });
});

test('publishes tables of emulated classes, for its models and for models that exist as tables only', async () => {
  const path = join(directory, 'table.json');
  const row = { id: 'small', accuracy: 0.81, p50Ms: [1, 2], p99Ms: [1, 2] };
  const table = {
    ...{ v: 1, source: 'invented', model: 'fashion', deviceClass: 'emulated-x', executor: 'emulated' },
    ...{ concurrency: 1, measuredAt: 'never', batches: [1, 2], subnets: [row] },
  };
  await writeFile(path, JSON.stringify(table));
  const imagenet = fileURLToPath(new URL('../profiles/imagenet.emulated-v100.json', import.meta.url));
  await start({ EMULATED_PROFILES: `${path},${imagenet}` });
  expect(await profileOf('emulated-x')).toMatchObject({ digest: (await publishedModel()).digest, subnets: [row] });

  const profile = latencyProfile.parse(await read('latency.imagenet.emulated-v100'));
  const entry = modelEntry.parse(await read('model.imagenet'));
  expect(entry.digest).toBe(profile.digest);
  expect(entry.subnets).toEqual(profile.subnets.map(({ id, accuracy }) => ({ id, accuracy })));

  await writeFile(path, JSON.stringify({ ...table, subnets: [{ ...row, id: 'unheard-of' }] }));
  await expect(start({ EMULATED_PROFILES: path })).rejects.toMatchObject({ code: 'invalid_model' });
});

test('serves with no models at all', async () => {
  await start({ MODELS_DIRS: '' });
  expect(await (await keys()).get('model.fashion')).toBeUndefined();
});
