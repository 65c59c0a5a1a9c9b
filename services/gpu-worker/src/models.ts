/**
 * Brings what a worker hosts to what the catalog names. A version is fetched while the worker serves on, takes the device
 * for the moment of loading, and only then takes its predecessor's place. A candidate (a version whose latency is not
 * known yet) is loaded beside the version that is served.
 */
import { type Clock, Complaints, type Log, type ModelEntry } from '@slackline/shared';
import type { Catalog } from './catalog.js';
import type { Executor } from './executors/executor.js';

/** A version that could not be fetched or loaded is tried again after this long, then after twice as long, … */
const firstRetryMs = 1_000;
const longestRetryMs = 30_000;

export type ModelsCatalog = Pick<Catalog, 'models' | 'candidates' | 'onChange' | 'servable' | 'latency'>;

export interface ModelsOptions {
  catalog: ModelsCatalog;
  executor: Executor;
  clock: Clock;
  log: Log;
  /** Runs `step` when the device is free, alone. */
  withDevice: (step: () => Promise<void>) => Promise<void>;
}

export class Models {
  /** Served versions: digest by model name. */
  readonly #hosted = new Map<string, string>();
  /** Digests of the versions that are loaded. */
  readonly #loaded = new Set<string>();
  readonly #stopWatching: () => void;
  readonly #complaints: Complaints;
  #reconciling = false;
  #reconciled: Promise<void> | undefined;
  #changed = false;
  #ended = false;
  #retryMs = firstRetryMs;
  #cancelRetry: () => void = () => {};

  constructor(private readonly options: ModelsOptions) {
    this.#complaints = new Complaints(options.log, options.clock);
    this.#stopWatching = options.catalog.onChange(() => {
      this.#retryMs = firstRetryMs;
      this.#start();
    });
  }

  /** Digest by model name, as statuses announce it. */
  get hosted(): Record<string, string> {
    return Object.fromEntries(this.#hosted);
  }

  /** Digests of the loaded versions, served or not. */
  get versions(): string[] {
    return [...this.#loaded];
  }

  /** Whether this version is loaded. */
  has(digest: string): boolean {
    return this.#loaded.has(digest);
  }

  digestOf(model: string): string | undefined {
    return this.#hosted.get(model);
  }

  /** Resolves when everything that can be loaded now is loaded. */
  async sync(): Promise<void> {
    this.#start();
    await this.#reconciled;
  }

  /** Starts nothing more; waits for what is being loaded. */
  async stop(): Promise<void> {
    this.#ended = true;
    this.#stopWatching();
    this.#cancelRetry();
    await this.#reconciled;
  }

  #start(): void {
    this.#changed = true;
    this.#cancelRetry();
    if (this.#ended || this.#reconciling) return;
    this.#reconciling = true;
    this.#reconciled = this.#reconcile();
  }

  async #reconcile(): Promise<void> {
    let failed = false;
    while (this.#changed && !this.#ended) {
      this.#changed = false;
      failed = false;
      const { models, candidates } = this.options.catalog;
      for (const name of [...this.#hosted.keys()]) if (!models.has(name)) this.#hosted.delete(name);
      await this.#unloadUnused();
      for (const entry of [...models.values()]) {
        if (this.#hosted.get(entry.name) === entry.digest || this.#ended) continue;
        failed = !(await this.#load(entry, () => this.#hosted.set(entry.name, entry.digest))) || failed;
      }
      await this.#unloadUnused();
      // An emulated device has nothing to be measured: it takes a model when there is a table for it.
      if (this.options.executor.name === 'emulated') continue;
      for (const entry of [...candidates.values()]) {
        if (!this.#ended) failed = !(await this.#load(entry, () => {})) || failed;
      }
    }
    // In one step with the last look at `#changed`: a change that comes later starts anew.
    this.#reconciling = false;
    if (failed && !this.#ended) {
      this.#cancelRetry = this.options.clock.after(this.#retryMs, () => this.#start());
      this.#retryMs = Math.min(longestRetryMs, 2 * this.#retryMs);
    }
  }

  /** Whether the version is loaded now; `onLoaded` is called while the device is still taken. */
  async #load(entry: ModelEntry, onLoaded: () => void): Promise<boolean> {
    const { catalog, executor, log, withDevice } = this.options;
    const { name: model, digest } = entry;
    if (this.#loaded.has(digest)) {
      onLoaded();
      return true;
    }
    try {
      const load = await executor.prepare(entry, catalog);
      await withDevice(async () => {
        await load();
        this.#loaded.add(digest);
        onLoaded();
        // What it has replaced goes at once: a worker that announces the new version is free.
        for (const previous of this.#takeUnused()) await executor.unload(previous);
      });
      log.info({ model, digest }, 'model loaded');
      return true;
    } catch (error) {
      const what = 'a model could not be loaded; it will be tried again';
      if (!this.#ended) this.#complaints.warn('load', { model, digest, err: error }, what);
      return false;
    }
  }

  async #unloadUnused(): Promise<void> {
    const { executor, log, withDevice } = this.options;
    for (const digest of this.#takeUnused()) {
      try {
        await withDevice(() => executor.unload(digest));
        log.info({ digest }, 'model released');
      } catch (error) {
        if (!this.#ended) log.warn({ digest, err: error }, 'a model could not be released');
      }
    }
  }

  /**
   * Versions that no name serves any more; two names may serve one version. From here on the worker refuses their batches,
   * even before the device is free to release them.
   */
  #takeUnused(): string[] {
    const { models, candidates } = this.options.catalog;
    const wanted = new Set([...models.values(), ...candidates.values()].map(({ digest }) => digest));
    for (const digest of this.#hosted.values()) wanted.add(digest);
    const unused = [...this.#loaded].filter((digest) => !wanted.has(digest));
    for (const digest of unused) this.#loaded.delete(digest);
    return unused;
  }
}
