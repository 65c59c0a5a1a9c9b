/**
 * Puts a version in a model's place without an interruption: workers load it beside the present one, its latency is measured
 * on every device class, and only then do the profiles and the entry change. Queries that were planned with the old version
 * are run on it, because batch commands name the version; what still waits is planned with the new one.
 */
import {
  type KeyBucket,
  type LatencyProfile,
  type Log,
  latencyProfile,
  type ModelEntry,
  parseValue,
  profileKeys,
  readAll,
  SlacklineError,
  type WorkerStatus,
} from '@slackline/shared';
import { canTime, type LatencyProfiler, retryMs } from '../latency-profiler.js';
import type { LatencyProfiles } from '../latency-profiles.js';
import { putIfChanged } from '../stages/publish.js';
import type { Workers } from '../workers.js';

/** Living workers beat ten times a second: after so long all of them have been heard. */
const hearAllMs = 1_000;
/** Measuring is tried again this often before a device class is published without a profile. */
const attempts = 5;

export interface RolloutDeps {
  keys: KeyBucket;
  workers: Workers;
  profiler: LatencyProfiler;
  profiles: LatencyProfiles;
  log: Log;
  /** How long workers may take to load a version. */
  loadWaitMs: number;
}

/** Is told what is being done: a share of 0..1 of the whole rollout. */
export type RolloutProgress = (stage: 'loading' | 'latency' | 'publishing', share: number) => void;

export class Rollout {
  constructor(private readonly deps: RolloutDeps) {}

  /**
   * Brings `entry` to where queries are served on it. Without a worker it is published at once: latency is measured when
   * one comes.
   *
   * @throws SlacklineError `submission_failed` when workers were there and none of them loaded it
   */
  async publish(entry: ModelEntry, onProgress: RolloutProgress, signal: AbortSignal): Promise<void> {
    onProgress('loading', 0);
    await putIfChanged(this.deps.keys, profileKeys.candidate(entry.name), entry);
    const loaded = await this.#untilLoaded(entry, onProgress, signal);
    const classes = [...new Set(loaded.map(({ deviceClass }) => deviceClass))];
    const profiles: LatencyProfile[] = [];
    for (const [i, deviceClass] of classes.entries()) {
      const onStep = (share: number) => onProgress('latency', 0.2 + (0.75 * (i + share)) / classes.length);
      const profile = await this.#profile(entry, deviceClass, onStep, signal);
      if (profile !== undefined) profiles.push(profile);
    }
    signal.throwIfAborted();
    onProgress('publishing', 0.98);
    await this.#switch(entry, profiles);
  }

  /** Takes the candidate back. */
  async withdraw(name: string): Promise<void> {
    const key = profileKeys.candidate(name);
    if ((await this.deps.keys.get(key)) !== undefined) await this.deps.keys.delete(key);
  }

  /** Takes back the profiles of a version that did not get as far as being served. */
  async withdrawProfiles(name: string, digest: string): Promise<void> {
    const { keys, profiles } = this.deps;
    for (const [key, value] of await readAll(keys)) {
      const measured = profileKeys.latencyOf(key);
      if (measured?.model !== name || digestOf(value) !== digest) continue;
      await keys.delete(key);
      profiles.lost(name, measured.deviceClass);
    }
  }

  /** From the first profile on schedulers plan with the new version; then ingest checks queries against it. */
  async #switch(entry: ModelEntry, profiles: readonly LatencyProfile[]): Promise<void> {
    const { keys } = this.deps;
    for (const profile of profiles) {
      this.deps.profiles.measured(profile);
      await putIfChanged(keys, profileKeys.latency(entry.name, profile.deviceClass), profile);
    }
    await putIfChanged(keys, profileKeys.model(entry.name), entry);
    await this.settle(entry);
  }

  /** What follows when the entry is there: the candidate goes, and what was measured of earlier versions. May be done twice. */
  async settle({ name, digest }: ModelEntry): Promise<void> {
    const { keys } = this.deps;
    await this.withdraw(name);
    // Of classes without a worker: nothing of this version is known there yet.
    for (const [key, value] of await readAll(keys)) {
      if (profileKeys.latencyOf(key)?.model === name && digestOf(value) !== digest) await keys.delete(key);
    }
  }

  /** The workers that have it: all that live, or those that could be waited for. */
  async #untilLoaded(entry: ModelEntry, onProgress: RolloutProgress, signal: AbortSignal): Promise<WorkerStatus[]> {
    const living = () =>
      this.deps.workers.all().filter(({ executor, draining }) => executor !== 'emulated' && !draining);
    const loaded = () => living().filter((worker) => canTime(worker, entry));
    await this.deps.workers.until(() => false, hearAllMs, signal);
    const present = living().length;
    const isDone = () => {
      if (living().length > 0) onProgress('loading', (0.2 * loaded().length) / living().length);
      return loaded().length === living().length;
    };
    await this.deps.workers.until(isDone, this.deps.loadWaitMs, signal);
    signal.throwIfAborted();
    // Workers that are gone by now may have died of it: the next ones shall not.
    const asked = Math.max(present, living().length);
    if (loaded().length > 0 || asked === 0) return loaded();
    const what = `None of the ${asked} workers loaded ${entry.name} within ${this.deps.loadWaitMs} ms`;
    throw new SlacklineError('submission_failed', what);
  }

  /** The profile on a class, or undefined when its workers went away or could not be timed. */
  async #profile(
    model: ModelEntry,
    deviceClass: string,
    onStep: (share: number) => void,
    signal: AbortSignal,
  ): Promise<LatencyProfile | undefined> {
    const { workers, profiler, log } = this.deps;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      onStep(0);
      const timeable = workers.all().filter((each) => each.deviceClass === deviceClass && canTime(each, model));
      const expected = Math.max(1, timeable.length);
      try {
        const tell = (done: number, total: number) => onStep(done / total);
        return await profiler.profile({ model, deviceClass, expected, signal, onStep: tell });
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ model: model.name, deviceClass, attempt, err: error }, 'profiling is tried again');
        await workers.until(() => false, retryMs, signal);
        signal.throwIfAborted();
      }
    }
    return undefined;
  }
}

function digestOf(value: Uint8Array): string | undefined {
  return parseValue(value, latencyProfile)?.digest;
}
