/**
 * Brings what a worker hosts to what the catalog names. A version is fetched while the worker serves on, takes the device
 * for the moment of loading, and only then takes its predecessor's place.
 */
import type { Clock, Log, ModelEntry } from '@slackline/shared';
import type { Catalog } from './catalog.js';
import type { Executor } from './executors/executor.js';

/** A version that could not be fetched or loaded is tried again after this long, then after twice as long, … */
const firstRetryMs = 1_000;
const longestRetryMs = 30_000;

export interface ModelsOptions {
  catalog: Pick<Catalog, 'models' | 'onChange' | 'servable' | 'latency'>;
  executor: Executor;
  clock: Clock;
  log: Log;
  /** Runs `step` when the device is free, alone. */
  withDevice: (step: () => Promise<void>) => Promise<void>;
}

export class Models {
  /** Loaded versions: digest by model name. */
  readonly #hosted = new Map<string, string>();
  readonly #stopWatching: () => void;
  #reconciling = false;
  #reconciled: Promise<void> | undefined;
  #changed = false;
  #ended = false;
  #retryMs = firstRetryMs;
  #cancelRetry: () => void = () => {};

  constructor(private readonly options: ModelsOptions) {
    this.#stopWatching = options.catalog.onChange(() => {
      this.#retryMs = firstRetryMs;
      this.#start();
    });
  }

  /** Digest by model name, as statuses announce it. */
  get hosted(): Record<string, string> {
    return Object.fromEntries(this.#hosted);
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
      const wanted = this.options.catalog.models;
      for (const name of [...this.#hosted.keys()]) if (!wanted.has(name)) await this.#remove(name);
      for (const entry of [...wanted.values()]) {
        if (this.#hosted.get(entry.name) !== entry.digest && !this.#ended) failed = !(await this.#add(entry)) || failed;
      }
    }
    // In one step with the last look at `#changed`: a change that comes later starts anew.
    this.#reconciling = false;
    if (failed && !this.#ended) {
      this.#cancelRetry = this.options.clock.after(this.#retryMs, () => this.#start());
      this.#retryMs = Math.min(longestRetryMs, 2 * this.#retryMs);
    }
  }

  async #add(entry: ModelEntry): Promise<boolean> {
    const { catalog, executor, log, withDevice } = this.options;
    const { name, digest } = entry;
    try {
      const load = await executor.prepare(entry, catalog);
      await withDevice(async () => {
        await load();
        const previous = this.#hosted.get(name);
        this.#hosted.set(name, digest);
        if (previous !== undefined) await this.#release(previous);
      });
      log.info({ model: name, digest }, 'model loaded');
      return true;
    } catch (error) {
      if (!this.#ended)
        log.warn({ model: name, digest, err: error }, 'a model could not be loaded; it will be tried again');
      return false;
    }
  }

  async #remove(name: string): Promise<void> {
    const digest = this.#hosted.get(name);
    if (digest === undefined) return;
    // From here on the worker refuses its batches, even before the device is free to release it.
    this.#hosted.delete(name);
    try {
      await this.options.withDevice(() => this.#release(digest));
      this.options.log.info({ model: name, digest }, 'model released');
    } catch (error) {
      if (!this.#ended) this.options.log.warn({ model: name, digest, err: error }, 'a model could not be released');
    }
  }

  /** Two names may serve one version: it goes with the last of them. */
  async #release(digest: string): Promise<void> {
    if (![...this.#hosted.values()].includes(digest)) await this.options.executor.unload(digest);
  }
}
