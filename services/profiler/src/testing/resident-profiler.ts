/** The resident profiler on a real nats-server, and stand-ins for workers that answer what they are told. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type NatsServer, startNatsServer } from '@slackline/local';
import {
  type Bus,
  connectBus,
  createLog,
  type KeyBucket,
  type LatencyProfile,
  latencyProfile,
  type ModelEntry,
  modelEntry,
  type ProfilerTelemetry,
  profilerTelemetry,
  type RunningService,
  readConfig,
  Subjects,
  systemClock,
  unpack,
} from '@slackline/shared';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { writeBuildResult } from '../build/result.js';
import { profilerConfig } from '../config.js';
import { startProfiler } from '../profiler.js';
import { readModelFolder } from '../stages/read.js';
import { type StandInOptions, StandInWorker } from './stand-in-worker.js';

const shippedModel = fileURLToPath(new URL('../../../../models/fashion/', import.meta.url));
export const deviceClass = 'test-class';
export const batches = [1, 2, 4, 8, 16];
export const subnetIds = ['small', 'medium', 'large'];

let server: NatsServer;
export let directory: string;
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
let tests = 0;
export let bus: Bus;
export let subjects: Subjects;
/** Where the profiles of this test are kept. */
export let kept: string;
/** What the profiler has said of its progress. */
export let told: ProfilerTelemetry[] = [];
let running: RunningService[] = [];
beforeEach(async () => {
  tests += 1;
  subjects = new Subjects(`t${tests}`);
  kept = join(directory, subjects.prefix);
  bus = await connectBus({ url: server.url, name: 'test' });
  told = [];
  bus.subscribe(subjects.telemetry('profiler'), ({ data }) => {
    told.push(unpack('telemetry', profilerTelemetry, data));
  });
  await bus.flush();
});
afterEach(async () => {
  for (const service of running.reverse()) await service.stop();
  running = [];
  await bus.close();
});

export async function start(env: Record<string, string> = {}): Promise<RunningService> {
  const config = readConfig(profilerConfig, {
    SUBJECT_PREFIX: subjects.prefix,
    STORAGE: 'memory',
    MODELS_DIRS: modelFolder,
    PROFILE_DIR: kept,
    ...env,
  });
  const service = await startProfiler(config, { bus, clock: systemClock, log: createLog('profiler', 'silent') });
  running.push(service);
  return service;
}

/** Another deployment, which keeps its profiles in the same folder. */
export async function startElsewhere(): Promise<RunningService> {
  subjects = new Subjects(`${subjects.prefix}-again`);
  return start();
}

export const keys = (): Promise<KeyBucket> => bus.keys(subjects.stores.profiles, { storage: 'memory', replicas: 1 });

/** What stands in the bucket `profiles` under that key. */
export async function read(key: string): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode((await (await keys()).get(key))?.value));
}

export async function publishedModel(): Promise<ModelEntry> {
  return modelEntry.parse(await read('model.fashion'));
}

/** Resolves with the published latency profile. */
export async function profileOf(name = deviceClass): Promise<LatencyProfile> {
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
export async function work(id: string, options: Partial<StandInOptions> = {}): Promise<StandInWorker> {
  const { digest } = await publishedModel();
  const samplesMs = (subnet: string, batch: number) => {
    const ms = (subnetIds.indexOf(subnet) + 1) * batch;
    return [ms, ms + 0.5];
  };
  const basics = { url: server.url, subjects, id, deviceClass, models: { fashion: digest } };
  const worker = await StandInWorker.start({ ...basics, samplesMs, ...options });
  running.push({ stop: () => worker.die() });
  return worker;
}
