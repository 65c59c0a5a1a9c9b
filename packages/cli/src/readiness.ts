/**
 * When a system can take load: every worker has the model and is free, the scheduler knows them all, and the latency profile
 * of their device class is there. Heard from heartbeats, telemetry and the `profiles` bucket; nothing is polled.
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

export interface Ready {
  model: ModelEntry;
  profile: LatencyProfile;
  /** Of the workers. */
  executor: string;
}

export interface Wanted {
  workers: number;
  /** Name of the model. */
  model: string;
  /** Told of the model as soon as it is known; what it throws ends the waiting. */
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
    const model = this.#read(profileKeys.model(this.wanted.model), modelEntry);
    if (model === undefined) return undefined;
    this.wanted.accept?.(model);
    const loaded = [...this.#workers.values()].filter((w) => w.models[model.name] === model.digest);
    if (loaded.length < this.wanted.workers)
      return this.#waitFor(`${loaded.length} of ${this.wanted.workers} workers have the model`);
    const profiles = loaded.map((w) => this.#read(profileKeys.latency(model.name, w.deviceClass), latencyProfile));
    const profile = profiles[0];
    if (profile === undefined || profiles.some((p) => p?.digest !== model.digest)) return undefined;
    const free = loaded.filter((w) => w.freeSlots > 0).length;
    if (free < this.wanted.workers || (this.#scheduler?.workers ?? 0) < this.wanted.workers) return undefined;
    return { model, profile, executor: loaded[0]?.executor ?? profile.executor };
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
