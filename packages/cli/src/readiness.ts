/**
 * When a system can take load: every worker has its models and is free, the scheduler knows them all, and the latency
 * profiles of their device classes are there. Heard from heartbeats, telemetry and the `profiles` bucket; nothing is polled.
 */
import {
  type Bus,
  type BusMessage,
  type LatencyProfile,
  latencyProfile,
  type ModelEntry,
  modelEntry,
  profileKeys,
  profilerTelemetry,
  type SchedulerTelemetry,
  type Subjects,
  type Subscription,
  schedulerTelemetry,
  unpack,
  type WorkerStatus,
  workerStatus,
} from '@slackline/shared';

/** A model that is served. */
export interface ReadyModel {
  entry: ModelEntry;
  /** On the slowest of the device classes that serve it. */
  profile: LatencyProfile;
}

export interface Ready {
  models: ReadyModel[];
  /** Of the workers. */
  executor: string;
}

export interface Wanted {
  /** In all. */
  workers: number;
  /** The models by name, and how many workers are to have each. */
  models: readonly { name: string; workers: number }[];
  /** Told of a model as soon as it is known; what it throws ends the waiting. */
  accept?: (model: ModelEntry) => void;
}

export class Readiness {
  readonly #workers = new Map<string, WorkerStatus>();
  readonly #values = new Map<string, Uint8Array>();
  readonly #subscriptions: Subscription[] = [];
  #scheduler: SchedulerTelemetry | undefined;
  #onChange: () => void = () => {};
  #onProgress: (text: string) => void = () => {};

  constructor(
    private readonly bus: Bus,
    private readonly subjects: Subjects,
    private readonly wanted: Wanted,
  ) {}

  /** Resolves when the system is ready; tells what it waits for until then. Rejects with what `accept` throws. */
  async reached(onProgress: (text: string) => void): Promise<Ready> {
    this.#onProgress = onProgress;
    const reached = new Promise<Ready>((resolve, reject) => {
      this.#onChange = () => {
        try {
          const ready = this.#check();
          if (ready !== undefined) resolve(ready);
        } catch (error) {
          reject(error);
        }
      };
    });
    // It may fail before anybody waits for it.
    reached.catch(() => undefined);
    const hear = (subject: string, take: (message: BusMessage) => void) => {
      this.#subscriptions.push(this.bus.subscribe(subject, (message) => this.#take(take, message)));
    };
    hear(this.subjects.heartbeat('*'), ({ data }) => {
      const status = unpack('worker status', workerStatus, data);
      this.#workers.set(status.workerId, status);
    });
    hear(this.subjects.telemetry('scheduler'), ({ data }) => {
      this.#scheduler = unpack('scheduler telemetry', schedulerTelemetry, data);
    });
    hear(this.subjects.telemetry('profiler'), ({ data }) => {
      const { stage, done, total } = unpack('profiler telemetry', profilerTelemetry, data);
      if (stage === 'latency') onProgress(`measuring the latency of this machine: ${done} of ${total}`);
    });
    const bucket = await this.bus.keys(this.subjects.stores.profiles, { storage: 'file', replicas: 1 });
    const watch = await bucket.watch(({ key, value }) => {
      if (value === undefined) this.#values.delete(key);
      else this.#values.set(key, value);
      this.#onChange();
    });
    this.#subscriptions.push(watch);
    return reached;
  }

  /** Hears no more. */
  async stop(): Promise<void> {
    await Promise.all(this.#subscriptions.splice(0).map((subscription) => subscription.drain()));
  }

  #take(take: (message: BusMessage) => void, message: BusMessage): void {
    try {
      take(message);
    } catch {
      // A message of another version; the services themselves log it.
      return;
    }
    this.#onChange();
  }

  #check(): Ready | undefined {
    const models: ReadyModel[] = [];
    for (const { name, workers } of this.wanted.models) {
      const model = this.#checkModel(name, workers);
      if (model === undefined) return undefined;
      models.push(model);
    }
    const all = [...this.#workers.values()];
    const serving = all.filter((worker) => worker.freeSlots > 0).length;
    if (serving < this.wanted.workers || (this.#scheduler?.workers ?? 0) < this.wanted.workers) return undefined;
    return { models, executor: all[0]?.executor ?? '' };
  }

  #checkModel(name: string, wanted: number): ReadyModel | undefined {
    const entry = this.#read(profileKeys.model(name), modelEntry);
    if (entry === undefined) return undefined;
    this.wanted.accept?.(entry);
    const loaded = [...this.#workers.values()].filter((worker) => worker.models[name] === entry.digest);
    if (loaded.length < wanted) return this.#waitFor(`${loaded.length} of ${wanted} workers have the model ${name}`);
    const classes = [...new Set(loaded.map((worker) => worker.deviceClass))];
    const profiles = classes.map((each) => this.#read(profileKeys.latency(name, each), latencyProfile));
    const known = profiles.flatMap((profile) => (profile?.digest === entry.digest ? [profile] : []));
    const [slowest] = known.sort((a, b) => fastestMs(b) - fastestMs(a));
    return slowest === undefined || known.length < classes.length ? undefined : { entry, profile: slowest };
  }

  #waitFor(text: string): undefined {
    this.#onProgress(text);
    return undefined;
  }

  #read<T>(key: string, schema: { parse(value: unknown): T }): T | undefined {
    const value = this.#values.get(key);
    return value === undefined ? undefined : schema.parse(JSON.parse(Buffer.from(value).toString()));
  }
}

/** One query on the smallest subnet. */
const fastestMs = ({ subnets }: LatencyProfile): number => subnets[0]?.p50Ms[0] ?? 0;
