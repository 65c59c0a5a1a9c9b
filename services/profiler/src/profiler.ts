/**
 * The resident service: publishes the servables of the model folders, makes models of what is submitted, and sees to it
 * that every device class that hosts a model has a latency profile.
 */
import {
  type BucketConfig,
  type Bus,
  type Clock,
  Complaints,
  type KeyBucket,
  type Log,
  type ModelEntry,
  processMetadata,
  profileKeys,
  type RunningService,
  Subjects,
  uploadMaxAgeMs,
  watchModels,
} from '@slackline/shared';
import { readBuildResult } from './build/result.js';
import type { ProfilerConfig } from './config.js';
import { readEmulatedTable } from './emulated.js';
import { LatencyProfiler } from './latency-profiler.js';
import { LatencyProfiles } from './latency-profiles.js';
import { ProfileCache } from './profile-cache.js';
import { restoreWhenLost } from './restore.js';
import { publishModel, putIfChanged, uploadServable } from './stages/publish.js';
import { readModelFolder } from './stages/read.js';
import { entryOf, servableOf } from './stages/servable.js';
import { Files, sweepFolders } from './submissions/files.js';
import { Maker } from './submissions/maker.js';
import { Records } from './submissions/records.js';
import { answerRequests } from './submissions/requests.js';
import { Rollout } from './submissions/rollout.js';
import { Submissions } from './submissions/submissions.js';
import { type Report, reporter } from './telemetry.js';
import { Traffic } from './traffic.js';
import { Workers } from './workers.js';

export interface ProfilerDeps {
  /** Stays the caller's: it is not closed here. */
  bus: Bus;
  clock: Clock;
  log: Log;
}

/**
 * Starts the profiler; resolves when every model is published. Latency is measured afterwards, as workers come.
 * Throws `invalid_model` when a folder or a table is malformed or not built.
 */
export async function startProfiler(
  config: ProfilerConfig,
  { bus, clock, log }: ProfilerDeps,
): Promise<RunningService> {
  const subjects = new Subjects(config.SUBJECT_PREFIX);
  const storage = { storage: config.STORAGE, replicas: config.REPLICAS };
  const keys = await bus.keys(subjects.stores.profiles, storage);
  const report = reporter(bus, subjects);
  const complaints = new Complaints(log, clock);

  const models: ModelEntry[] = [];
  const store = async (directory: string) => {
    const folder = await readModelFolder(directory);
    const servable = servableOf(folder, await readBuildResult(folder));
    report({ stage: 'publish', model: servable.name, deviceClass: null, done: 0, total: 1 });
    return entryOf(servable, await uploadServable(bus, subjects, storage, servable));
  };
  for (const directory of config.MODELS_DIRS) {
    const entry = await store(directory);
    await publishModel(keys, entry);
    report({ stage: 'publish', model: entry.name, deviceClass: null, done: 1, total: 1 });
    log.info({ model: entry.name, digest: entry.digest, subnets: entry.subnets.length }, 'model published');
    models.push(entry);
  }
  await publishEmulated(config.EMULATED_PROFILES, models, keys, report);
  if (config.MODELS_DIRS.length === 0 && config.EMULATED_PROFILES.length === 0) {
    log.warn('MODELS_DIRS names no model: only what is in the catalog or is submitted is served');
  }

  const workers = new Workers(bus, subjects, clock, log);
  const traffic = new Traffic(bus, subjects, clock);
  const cache = new ProfileCache(config.PROFILE_DIR, log);
  const deps = { bus, subjects, clock, log, workers, keys, report };
  const profiler = new LatencyProfiler(config, { ...deps, cache, traffic });
  const profiles = new LatencyProfiles(config, { ...deps, profiler });
  const served = new Map<string, ModelEntry>();
  const watch = await watchModels(keys, {
    onServed: (entry) => {
      served.set(entry.name, entry);
      profiles.serve(entry);
    },
    onGone: (name) => {
      served.delete(name);
      profiles.withdraw(name);
    },
    onBroken: (model, why) => complaints.warn('model', { model, why }, 'this catalog entry cannot be read'),
  });

  const restore = await restoreWhenLost({
    keys,
    clock,
    log,
    prepare: async () => {
      for (const directory of config.MODELS_DIRS) await store(directory);
      await tellLostServables(bus, subjects, storage, served, log);
    },
  });

  const rollout = new Rollout({ ...deps, profiler, profiles, loadWaitMs: config.LOAD_WAIT_MS });
  const { stores } = subjects;
  await sweepFolders(log);
  const records = await Records.open(await bus.keys(stores.submissions, storage), clock, log);
  const files = new Files(await bus.objects(stores.submissions, { ...storage, maxAgeMs: uploadMaxAgeMs }));
  const servables = await bus.objects(stores.models, storage);
  const niceness = config.BUILD_NICENESS;
  const maker = new Maker({ records, files, rollout, keys, models: servables, clock, niceness });
  await maker.sweep();
  const submissions = new Submissions({ records, files, maker, clock, log });
  const requests = answerRequests(config, { bus, subjects, submissions, maker, profiles, clock, log });
  // Who is told that this is ready may ask at once.
  await bus.flush();
  await bus.announce({
    name: 'slackline-profiler',
    version: '0.1.0',
    description: 'Makes models of supernets and measures their latency on every device class.',
    metadata: processMetadata(config.INSTANCE_NAME ?? 'profiler', config.SUBJECT_PREFIX),
  });
  return {
    ready: { models: models.map((model) => model.name) },
    async stop() {
      await Promise.all(requests.map((request) => request.drain()));
      await Promise.all([submissions.stop(), maker.stop()]);
      await restore.drain();
      await watch.drain();
      await profiles.stop();
      await traffic.stop();
      await workers.stop();
    },
  };
}

/** A submitted model has no folder to store it from again: workers that host it serve on, others cannot load it. */
async function tellLostServables(
  bus: Bus,
  subjects: Subjects,
  storage: BucketConfig,
  served: ReadonlyMap<string, ModelEntry>,
  log: Log,
): Promise<void> {
  const stored = new Set(await (await bus.objects(subjects.stores.models, storage)).names());
  for (const { name, digest, submission } of served.values()) {
    if (submission === undefined || stored.has(digest)) continue;
    log.error(
      { model: name, digest },
      'the broker has lost this model: no further worker can load it; submit it again',
    );
  }
}

/** A model may have a table for each of several device classes: the first one brings its entry, the others fit it. */
async function publishEmulated(
  paths: readonly string[],
  provided: readonly ModelEntry[],
  keys: KeyBucket,
  report: Report,
): Promise<void> {
  const models = [...provided];
  for (const path of paths) {
    const { profile, entry } = await readEmulatedTable(path, models);
    const { model, deviceClass } = profile;
    await putIfChanged(keys, profileKeys.latency(model, deviceClass), profile);
    if (entry !== undefined) {
      await publishModel(keys, entry);
      models.push(entry);
    }
    report({ stage: 'ready', model, deviceClass, done: 1, total: 1 });
  }
}
