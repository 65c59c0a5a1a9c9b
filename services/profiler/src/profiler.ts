/**
 * The resident service: publishes the servables of the model folders, then sees to it that every device class that
 * hosts one of them has a latency profile.
 */
import {
  type Bus,
  type Clock,
  type KeyBucket,
  type Log,
  type ModelEntry,
  profileKeys,
  type RunningService,
  Subjects,
} from '@slackline/shared';
import { readBuildResult } from './build/result.js';
import type { ProfilerConfig } from './config.js';
import { readEmulatedTable } from './emulated.js';
import { LatencyProfiles } from './latency-profiles.js';
import { ProfileCache } from './profile-cache.js';
import { publishModel, putIfChanged, uploadServable } from './stages/publish.js';
import { readModelFolder } from './stages/read.js';
import { entryOf, servableOf } from './stages/servable.js';
import { type Report, reporter } from './telemetry.js';
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

  const models: ModelEntry[] = [];
  for (const directory of config.MODELS_DIRS) {
    const folder = await readModelFolder(directory);
    const servable = servableOf(folder, await readBuildResult(folder));
    report({ stage: 'publish', model: servable.name, deviceClass: null, done: 0, total: 1 });
    const entry = entryOf(servable, await uploadServable(bus, subjects, storage, servable));
    await publishModel(keys, entry);
    report({ stage: 'publish', model: entry.name, deviceClass: null, done: 1, total: 1 });
    log.info({ model: entry.name, digest: entry.digest, subnets: entry.subnets.length }, 'model published');
    models.push(entry);
  }
  await publishEmulated(config.EMULATED_PROFILES, models, keys, report);

  const workers = new Workers(bus, subjects, clock, log);
  const cache = new ProfileCache(config.PROFILE_DIR, log);
  const profiles = new LatencyProfiles(models, config, { bus, subjects, clock, log, workers, keys, cache, report });
  await bus.announce({
    name: 'slackline-profiler',
    version: '0.1.0',
    description: 'Publishes models and measures their latency on every device class.',
  });
  return {
    ready: { models: models.map((model) => model.name) },
    async stop() {
      await profiles.stop();
      await workers.stop();
    },
  };
}

async function publishEmulated(
  paths: readonly string[],
  models: readonly ModelEntry[],
  keys: KeyBucket,
  report: Report,
): Promise<void> {
  for (const path of paths) {
    const { profile, entry } = await readEmulatedTable(path, models);
    const { model, deviceClass } = profile;
    await putIfChanged(keys, profileKeys.latency(model, deviceClass), profile);
    if (entry !== undefined) await publishModel(keys, entry);
    report({ stage: 'ready', model, deviceClass, done: 1, total: 1 });
  }
}
