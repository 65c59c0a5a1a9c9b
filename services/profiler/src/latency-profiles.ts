/** Sees to it that every device class that hosts a served model has a latency profile: kept from before, or measured now. */
import {
  type KeyBucket,
  type LatencyProfile,
  type Log,
  type ModelEntry,
  orderedProfile,
  profileKeys,
  readKey,
  type WorkerStatus,
} from '@slackline/shared';
import type { ProfilerConfig } from './config.js';
import { canTime, type LatencyProfiler, retryMs } from './latency-profiler.js';
import { putIfChanged } from './stages/publish.js';
import type { Report } from './telemetry.js';
import type { Workers } from './workers.js';

export interface LatencyProfilesDeps {
  profiler: LatencyProfiler;
  workers: Workers;
  keys: KeyBucket;
  log: Log;
  report: Report;
}

/** A version that is served. */
interface Served {
  entry: ModelEntry;
  /** Device classes that have a profile, or are being given one. */
  wanted: Set<string>;
  /** Those that somebody asked to have measured anew, and that are not yet. */
  again: Set<string>;
  /** Aborts when the version is served no more. */
  gone: AbortController;
}

export class LatencyProfiles {
  readonly #served = new Map<string, Served>();
  /** Version and class of what was measured in this life: as good as the circumstances allowed. */
  readonly #measured = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  readonly #unlisten: () => void;

  constructor(
    private readonly config: Pick<ProfilerConfig, 'WORKERS_EXPECTED'>,
    private readonly deps: LatencyProfilesDeps,
  ) {
    this.#unlisten = deps.workers.onStatus((status) => this.#hear(status));
  }

  /** A model is served in this version. What is under way for another one is given up. */
  serve(entry: ModelEntry): void {
    if (this.#served.get(entry.name)?.entry.digest === entry.digest) return;
    this.withdraw(entry.name);
    this.#served.set(entry.name, { entry, wanted: new Set(), again: new Set(), gone: new AbortController() });
  }

  /** A model is served no more. */
  withdraw(name: string): void {
    this.#served.get(name)?.gone.abort(new Error(`${name} is not served any more`));
    this.#served.delete(name);
  }

  /** Remembers that a profile was measured in this life, so that it is not measured again for want of workers. */
  measured({ digest, deviceClass }: LatencyProfile): void {
    this.#measured.add(`${digest}.${deviceClass}`);
  }

  /** What was published for a class is gone: the next status of one of its workers has it measured again. */
  lost(name: string, deviceClass: string): void {
    this.#served.get(name)?.wanted.delete(deviceClass);
  }

  /**
   * Measures a model anew on `deviceClass`, or on every class that has a worker with it. What is published stands until
   * then. Who asks while it is under way gets the same measurement. Returns the classes.
   */
  again(name: string, deviceClass?: string): string[] {
    const served = this.#served.get(name);
    if (served === undefined) return [];
    const timeable = this.deps.workers.all().filter((worker) => canTime(worker, served.entry));
    const classes = [...new Set(timeable.map((worker) => worker.deviceClass))];
    const chosen = classes.filter((each) => deviceClass === undefined || each === deviceClass);
    for (const each of chosen) {
      served.wanted.add(each);
      if (served.again.has(each)) continue;
      served.again.add(each);
      this.#start(served, each, true);
    }
    return chosen;
  }

  /** Ends; what is being measured is given up. */
  async stop(): Promise<void> {
    this.#unlisten();
    for (const name of [...this.#served.keys()]) this.withdraw(name);
    await Promise.all(this.#running);
  }

  #hear(status: WorkerStatus): void {
    for (const served of this.#served.values()) {
      if (served.wanted.has(status.deviceClass) || !canTime(status, served.entry)) continue;
      served.wanted.add(status.deviceClass);
      this.#start(served, status.deviceClass, false);
    }
  }

  #start(served: Served, deviceClass: string, fresh: boolean): void {
    const running = this.#provide(served, deviceClass, fresh).finally(() => {
      this.#running.delete(running);
      if (fresh) served.again.delete(deviceClass);
    });
    this.#running.add(running);
  }

  /** Tries until there is a profile, the class has no worker left, or the version is gone. Never rejects. */
  async #provide(served: Served, deviceClass: string, fresh: boolean): Promise<void> {
    const { entry, gone, wanted } = served;
    const { signal } = gone;
    while (!signal.aborted) {
      try {
        // Nobody of this class is left: the next status of one asks again.
        if (!(await this.#provideOnce(entry, deviceClass, fresh, signal))) wanted.delete(deviceClass);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.deps.log.warn({ model: entry.name, deviceClass, err: error }, 'profiling is tried again');
        await this.deps.workers.until(() => false, retryMs, signal);
      }
    }
  }

  async #provideOnce(model: ModelEntry, deviceClass: string, fresh: boolean, signal: AbortSignal): Promise<boolean> {
    const expected = this.config.WORKERS_EXPECTED;
    const key = profileKeys.latency(model.name, deviceClass);
    const published = fresh ? undefined : await readKey(this.deps.keys, key, orderedProfile);
    const isEnough = (published?.concurrency ?? 0) >= expected || this.#measured.has(`${model.digest}.${deviceClass}`);
    if (published?.digest === model.digest && isEnough) return this.#ready(published, 'published before');
    const profile = await this.deps.profiler.profile({ model, deviceClass, expected, fresh, signal });
    if (profile === undefined) return false;
    await putIfChanged(this.deps.keys, key, profile);
    return this.#ready(profile, 'measured, or kept from before');
  }

  #ready({ model, deviceClass, subnets }: LatencyProfile, how: string): true {
    this.deps.log.info({ model, deviceClass, subnets: subnets.length, how }, 'latency profile ready');
    this.deps.report({ stage: 'ready', model, deviceClass, done: 1, total: 1 });
    return true;
  }
}
