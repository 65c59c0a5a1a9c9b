/** The served models as the `profiles` bucket names them, kept up to date. Shared by all workers of a process. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Bus,
  type Clock,
  Complaints,
  hasCode,
  type KeyChange,
  type LatencyProfile,
  type Log,
  type ModelEntry,
  type ModelListener,
  type ObjectBucket,
  profileKeys,
  readLatencyProfile,
  SlacklineError,
  type StoreNames,
  type Subscription,
  systemClock,
  tellModel,
} from '@slackline/shared';
import type { WorkerConfig } from './config.js';
import type { ModelSources } from './executors/executor.js';

/** How often a worker that may not make the buckets looks whether the profiler has. */
const lookAgainMs = 500;

/** Keys of any model's latency profile begin so. */
const latencyPrefix = profileKeys.latency('', '').slice(0, -1);

export class Catalog implements ModelSources {
  readonly #models = new Map<string, ModelEntry>();
  readonly #candidates = new Map<string, ModelEntry>();
  readonly #latencies = new Map<string, LatencyProfile>();
  readonly #listeners = new Set<() => void>();
  #watch: Subscription | undefined;

  private constructor(
    private readonly objects: ObjectBucket,
    private readonly deviceClass: string,
    private readonly complaints: Complaints,
  ) {}

  /** Resolves when everything that the bucket holds has been read. */
  static async open(
    bus: Bus,
    stores: StoreNames,
    options: { config: Pick<WorkerConfig, 'STORAGE' | 'REPLICAS'>; deviceClass: string; log: Log; clock?: Clock },
  ): Promise<Catalog> {
    const bucket = { storage: options.config.STORAGE, replicas: options.config.REPLICAS };
    const [keys, objects] = await untilPermitted(options.log, () =>
      Promise.all([bus.keys(stores.profiles, bucket), bus.objects(stores.models, bucket)]),
    );
    const catalog = new Catalog(
      objects,
      options.deviceClass,
      new Complaints(options.log, options.clock ?? systemClock),
    );
    const listeners = {
      model: catalog.#listenerOf('model', catalog.#models),
      candidate: catalog.#listenerOf('candidate', catalog.#candidates),
    };
    // One watch for all: a candidate that becomes the model must not be seen to go before it is seen to come.
    catalog.#watch = await keys.watch((change) => {
      tellModel(change, 'model', listeners.model);
      tellModel(change, 'candidate', listeners.candidate);
      catalog.#apply(change);
    });
    return catalog;
  }

  /** The models that are to be served, by name. */
  get models(): ReadonlyMap<string, ModelEntry> {
    return this.#models;
  }

  /** Versions that are to take a model's place once their latency is known, by name. */
  get candidates(): ReadonlyMap<string, ModelEntry> {
    return this.#candidates;
  }

  latency(model: string): LatencyProfile | undefined {
    return this.#latencies.get(profileKeys.latency(model, this.deviceClass));
  }

  async servable(digest: string): Promise<Uint8Array> {
    const data = await this.objects.get(digest);
    if (data === undefined)
      throw new SlacklineError('unavailable', `The object store does not hold the model ${digest}`);
    // The caller gives the buffer away, so it must hold nothing else.
    return data.byteLength === data.buffer.byteLength ? data : data.slice();
  }

  /** Calls `listener` after every change; the returned function ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#watch?.drain();
  }

  #listenerOf(kind: 'model' | 'candidate', entries: Map<string, ModelEntry>): ModelListener {
    return {
      onServed: (entry) => {
        entries.set(entry.name, entry);
        this.#tell();
      },
      onGone: (name) => {
        entries.delete(name);
        this.#tell();
      },
      onBroken: (name, why) => this.complaints.warn(kind, { [kind]: name, why }, 'this catalog entry cannot be read'),
    };
  }

  #apply({ key, value, lost }: KeyChange): void {
    // A lost profile is still true, and the profiler writes it again.
    if (lost || !key.startsWith(latencyPrefix) || !key.endsWith(`.${this.deviceClass}`)) return;
    if (value === undefined) this.#latencies.delete(key);
    else {
      try {
        this.#latencies.set(key, readLatencyProfile(key, value));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.complaints.warn('latency profile', { key, why }, 'this latency profile cannot be used and is passed over');
        return;
      }
    }
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Under least privilege a worker may open the buckets but not make them (docs/security.md): it waits for who may. */
async function untilPermitted<T>(log: Log, open: () => Promise<T>): Promise<T> {
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await open();
    } catch (error) {
      if (!hasCode(error, 'not_permitted')) throw error;
      if (isFirst) log.warn({ err: error }, 'waiting for the profiler to make the catalog');
      await delay(lookAgainMs);
    }
  }
}
