/** A system of its own for each test on one broker: profiler, worker, ingest and scheduler in this process, all real. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Submission, submit } from '@slackline/cli';
import { connect, type SlacklineClient } from '@slackline/client';
import { startWorker, workerConfig } from '@slackline/gpu-worker';
import { ingestConfig, startIngest } from '@slackline/ingest';
import { profilerConfig, startProfiler } from '@slackline/profiler';
import { schedulerConfig, startScheduler } from '@slackline/scheduler';
import {
  type Bus,
  connectBus,
  type KeyBucket,
  modelEntry,
  type ObjectBucket,
  type RunningService,
  readAll,
  readConfig,
  Subjects,
  type SubmissionRecord,
  submissionRecord,
  systemClock,
  unpack,
  type WorkerStatus,
  workerStatus,
} from '@slackline/shared';
import pino from 'pino';
import { filesOf, inputs, type Parts, parts } from './supernet.js';

const memory = { storage: 'memory', replicas: 1 } as const;
const log = pino({ level: process.env.LOG_LEVEL ?? 'silent' }, pino.destination(2));
let systems = 0;

export class System {
  readonly #running: RunningService[] = [];
  readonly #clients: SlacklineClient[] = [];

  private constructor(
    readonly url: string,
    readonly subjects: Subjects,
    readonly bus: Bus,
    readonly profiles: KeyBucket,
    readonly records: KeyBucket,
    readonly uploads: ObjectBucket,
    readonly models: ObjectBucket,
    readonly folder: string,
  ) {}

  /** A deployment with its buckets, and nothing that runs. */
  static async create(url: string): Promise<System> {
    const subjects = new Subjects(`s${process.pid}-${++systems}`);
    const bus = await connectBus({ url, name: 'test' });
    const { stores } = subjects;
    return new System(
      url,
      subjects,
      bus,
      await bus.keys(stores.profiles, memory),
      await bus.keys(stores.submissions, memory),
      await bus.objects(stores.submissions, memory),
      await bus.objects(stores.models, memory),
      await mkdtemp(join(tmpdir(), 'slackline-submission-test-')),
    );
  }

  /** Environment of a service of this deployment. */
  env(more: Record<string, string> = {}): Record<string, string> {
    return {
      NATS_URL: this.url,
      SUBJECT_PREFIX: this.subjects.prefix,
      STORAGE: 'memory',
      PROFILE_DIR: join(this.folder, 'profiles'),
      CELL_BUDGET_MS: '2',
      BATCHES: '1,2',
      WORKERS_WAIT_MS: '0',
      ...more,
    };
  }

  async profiler(more: Record<string, string> = {}): Promise<RunningService> {
    const bus = await connectBus({ url: this.url, name: 'profiler' });
    const config = readConfig(profilerConfig, this.env(more));
    const service = await startProfiler(config, { bus, clock: systemClock, log });
    return this.#keep(service, bus);
  }

  /** A worker that really infers. A crowded machine shall not end its epoch in the middle of a test. */
  async worker(id = 'w'): Promise<RunningService> {
    const env = this.env({ WORKER_ID: id, DEVICE_CLASS: 'test', DEAD_AFTER_MS: '20000' });
    return this.#keep(await startWorker(readConfig(workerConfig, env), { log }));
  }

  async scheduler(): Promise<RunningService> {
    const bus = await connectBus({ url: this.url, name: 'scheduler' });
    const config = readConfig(schedulerConfig, this.env({ WORKER_DEAD_AFTER_MS: '20000' }));
    return this.#keep(await startScheduler(config, { bus, log }));
  }

  /** ingest and a scheduler: with them a producer is answered. */
  async frontDoor(): Promise<SlacklineClient> {
    const bus = await connectBus({ url: this.url, name: 'ingest' });
    const config = readConfig(ingestConfig, this.env());
    this.#keep(await startIngest(config, { bus, clock: systemClock, log }), bus);
    await this.scheduler();
    const client = await connect({ url: this.url, prefix: this.subjects.prefix });
    this.#clients.push(client);
    return client;
  }

  /** Submits as the command does. */
  submit(name: string, given: Parts = parts(), more: Partial<Submission> = {}) {
    const options = { quick: true, seed: 1, ...more.options };
    return submit(this, { name, sloMs: 5_000, replace: false, ...more, options, files: filesOf(given) });
  }

  async model(name: string) {
    const entry = await this.profiles.get(`model.${name}`);
    return entry === undefined ? undefined : modelEntry.parse(JSON.parse(Buffer.from(entry.value).toString()));
  }

  async record(name: string): Promise<SubmissionRecord | undefined> {
    const entry = await this.records.get(name);
    return entry === undefined ? undefined : submissionRecord.parse(JSON.parse(Buffer.from(entry.value).toString()));
  }

  /** Resolves with the record once it `fits`; undefined: there is none (any more). */
  async recordThat(name: string, fits: (record: SubmissionRecord | undefined) => boolean): Promise<void> {
    let end: () => void = () => {};
    const reached = new Promise<void>((resolve) => {
      end = resolve;
    });
    let known = false;
    const watch = await this.records.watch(({ key, value }) => {
      if (key !== name) return;
      known = true;
      if (fits(value && submissionRecord.parse(JSON.parse(Buffer.from(value).toString())))) end();
    });
    if (!known && fits(undefined)) end();
    await reached;
    await watch.drain();
  }

  /** Resolves with a status of a worker that `fits`. */
  statusThat(fits: (status: WorkerStatus) => boolean): Promise<WorkerStatus> {
    return new Promise((resolve) => {
      const subscription = this.bus.subscribe(this.subjects.heartbeat('*'), ({ data }) => {
        const status = unpack('status', workerStatus, data);
        if (fits(status)) void subscription.drain().then(() => resolve(status));
      });
    });
  }

  /** Everything that a submission may leave behind: keys with their values, names of objects. */
  async listing() {
    const text = async (bucket: KeyBucket) =>
      Object.fromEntries([...(await readAll(bucket))].map(([key, value]) => [key, Buffer.from(value).toString()]));
    return {
      profiles: await text(this.profiles),
      records: await text(this.records),
      uploads: (await this.uploads.names()).sort(),
      models: (await this.models.names()).sort(),
    };
  }

  async end(): Promise<void> {
    for (const client of this.#clients) await client.close();
    for (const service of this.#running.reverse()) await service.stop();
    await this.bus.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  #keep(service: RunningService, bus?: Bus): RunningService {
    let stopping: Promise<void> | undefined;
    const stop = async () => {
      await service.stop();
      await bus?.close();
    };
    const kept = {
      stop() {
        stopping ??= stop();
        return stopping;
      },
    };
    this.#running.push(kept);
    return kept;
  }
}

/** One query's body: a row. */
export const row = new Uint8Array(new Float32Array(inputs).fill(0.5).buffer);
