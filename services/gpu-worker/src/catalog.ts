/** The served models as the `profiles` bucket names them, kept up to date. Shared by all workers of a process. */
import {
  type Bus,
  type LatencyProfile,
  type Log,
  latencyProfile,
  type ModelEntry,
  type ModelListener,
  type ObjectBucket,
  type ProfilesChange,
  profileKeys,
  SlacklineError,
  type StoreNames,
  type Subscription,
  tellModel,
} from '@slackline/shared';
import type { WorkerConfig } from './config.js';
import type { ModelSources } from './executors/executor.js';

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
    private readonly log: Log,
  ) {}

  /** Resolves when everything that the bucket holds has been read. */
  static async open(
    bus: Bus,
    stores: StoreNames,
    options: { config: Pick<WorkerConfig, 'STORAGE' | 'REPLICAS'>; deviceClass: string; log: Log },
  ): Promise<Catalog> {
    const bucket = { storage: options.config.STORAGE, replicas: options.config.REPLICAS };
    const [keys, objects] = await Promise.all([bus.keys(stores.profiles, bucket), bus.objects(stores.models, bucket)]);
    const catalog = new Catalog(objects, options.deviceClass, options.log);
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
      onBroken: (name, reason) => this.log.warn({ [kind]: name, reason }, 'this catalog entry cannot be read'),
    };
  }

  #apply({ key, value }: ProfilesChange): void {
    if (!key.startsWith(latencyPrefix) || !key.endsWith(`.${this.deviceClass}`)) return;
    if (value === undefined) this.#latencies.delete(key);
    else {
      try {
        this.#latencies.set(key, latencyProfile.parse(JSON.parse(Buffer.from(value).toString())));
      } catch (error) {
        this.log.warn({ key, err: error }, 'this latency profile cannot be read and is passed over');
        return;
      }
    }
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
