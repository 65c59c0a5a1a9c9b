/** Sees to it that every device class that hosts a model has a latency profile: kept from before, or measured now. */
import {
  type KeyBucket,
  type LatencyProfile,
  type Log,
  latencyProfile,
  type ModelEntry,
  profileKeys,
  type WorkerStatus,
} from '@slackline/shared';
import type { ProfilerConfig } from './config.js';
import { latencyRows } from './latency-table.js';
import type { ProfileCache } from './profile-cache.js';
import { type LatencyDeps, measureGrid } from './stages/latency.js';
import { putIfChanged, readKey } from './stages/publish.js';
import type { Report } from './telemetry.js';
import { isIdle, mostOnOneHost } from './workers.js';

const retryMs = 1_000;

interface Job {
  model: ModelEntry;
  deviceClass: string;
}

export interface LatencyProfilesDeps extends LatencyDeps {
  keys: KeyBucket;
  cache: ProfileCache;
  log: Log;
  report: Report;
}

/** Profiles one (model, device class) after the other: two at once would time each other's load. */
export class LatencyProfiles {
  readonly #jobs: Job[] = [];
  /** Keys of the profiles that are there or asked for. */
  readonly #wanted = new Set<string>();
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  readonly #unlisten: () => void;

  constructor(
    private readonly models: readonly ModelEntry[],
    private readonly config: ProfilerConfig,
    private readonly deps: LatencyProfilesDeps,
  ) {
    this.#unlisten = deps.workers.onStatus((status) => this.#want(status));
    this.#ended = this.#run();
  }

  /** Ends; what is being measured is given up. */
  async stop(): Promise<void> {
    this.#unlisten();
    this.#stopping.abort();
    await this.#ended;
  }

  #want(status: WorkerStatus): void {
    for (const model of this.models) {
      const key = profileKeys.latency(model.name, status.deviceClass);
      if (!canTime(status, model) || this.#wanted.has(key)) continue;
      this.#wanted.add(key);
      this.#jobs.push({ model, deviceClass: status.deviceClass });
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const job = this.#jobs.shift();
      if (job === undefined) {
        await this.#until(() => this.#jobs.length > 0);
        continue;
      }
      try {
        if (await this.#profile(job)) continue;
        // Nobody of this class is left: the next status of one asks again.
        this.#wanted.delete(profileKeys.latency(job.model.name, job.deviceClass));
      } catch (error) {
        if (signal.aborted) return;
        this.deps.log.warn(
          { model: job.model.name, deviceClass: job.deviceClass, err: error },
          'profiling is tried again',
        );
        this.#jobs.push(job);
        await this.#until(() => false, retryMs);
      }
    }
  }

  /** Whether the class has a profile now. Rejects when measuring failed. */
  async #profile(job: Job): Promise<boolean> {
    const { model, deviceClass } = job;
    const { cache, log, report } = this.deps;
    const expected = this.config.WORKERS_EXPECTED;
    const published = await readKey(this.deps.keys, profileKeys.latency(model.name, deviceClass), latencyProfile);
    if (published !== undefined && published.digest === model.digest && published.concurrency >= expected) {
      report({ stage: 'ready', model: model.name, deviceClass, done: 1, total: 1 });
      return true;
    }
    const kept = await cache.read(model.name, deviceClass);
    if (kept !== undefined && this.#fits(kept, model, expected)) return this.#publish(kept, 'kept from before');

    const timed = await this.#gather(job);
    const executor = timed[0]?.executor;
    if (executor === undefined) return false;
    const concurrency = mostOnOneHost(timed);
    if (kept !== undefined && this.#fits(kept, model, concurrency)) return this.#publish(kept, 'kept from before');

    const grid = {
      model: model.name,
      digest: model.digest,
      subnets: model.subnets.map((subnet) => subnet.id),
      batches: this.config.BATCHES,
      cellBudgetMs: this.config.CELL_BUDGET_MS,
    };
    log.info({ model: model.name, deviceClass, workers: timed.map((worker) => worker.workerId) }, 'measuring latency');
    const progress = (done: number, total: number) =>
      report({ stage: 'latency', model: model.name, deviceClass, done, total });
    const samples = await measureGrid(grid, timed, this.deps, progress, this.#stopping.signal);
    const profile: LatencyProfile = {
      v: 1,
      model: model.name,
      digest: model.digest,
      deviceClass,
      executor,
      concurrency,
      measuredAt: new Date().toISOString(),
      batches: grid.batches,
      subnets: latencyRows(samples, model.subnets),
    };
    // A profile that cannot be kept still serves; it is measured again next time.
    await cache.write(profile).catch((error: unknown) => log.warn({ err: error }, 'the profile could not be kept'));
    return this.#publish(profile, 'measured');
  }

  #fits(profile: LatencyProfile, model: ModelEntry, concurrency: number): boolean {
    const { BATCHES } = this.config;
    return (
      profile.digest === model.digest &&
      profile.concurrency === concurrency &&
      profile.batches.length === BATCHES.length &&
      profile.batches.every((batch, i) => batch === BATCHES[i])
    );
  }

  async #publish(profile: LatencyProfile, how: string): Promise<true> {
    const { model, deviceClass } = profile;
    await putIfChanged(this.deps.keys, profileKeys.latency(model, deviceClass), profile);
    this.deps.log.info({ model, deviceClass, subnets: profile.subnets.length, how }, 'latency profile ready');
    this.deps.report({ stage: 'ready', model, deviceClass, done: 1, total: 1 });
    return true;
  }

  /** The idle workers of the class, once enough have come or the wait is over; then at least one, if any lives. */
  async #gather({ model, deviceClass }: Job): Promise<WorkerStatus[]> {
    const living = () =>
      this.deps.workers.all().filter((worker) => worker.deviceClass === deviceClass && canTime(worker, model));
    const idle = () => living().filter(isIdle);
    const { WORKERS_EXPECTED: total, WORKERS_WAIT_MS } = this.config;
    this.deps.report({ stage: 'waiting', model: model.name, deviceClass, done: idle().length, total });
    await this.#until(() => idle().length >= total, WORKERS_WAIT_MS);
    while (idle().length === 0 && living().length > 0 && !this.#stopping.signal.aborted) {
      await this.#until(() => idle().length > 0, retryMs);
    }
    return idle();
  }

  /** Resolves when a worker's status makes `condition` true, after `limitMs`, or on stopping. */
  #until(condition: () => boolean, limitMs?: number): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      const end = () => {
        unlisten();
        cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const unlisten = this.deps.workers.onStatus(() => condition() && end());
      const cancel = limitMs === undefined ? () => {} : this.deps.clock.after(limitMs, end);
      signal.addEventListener('abort', end);
      if (condition() || signal.aborted) end();
    });
  }
}

/** Whether a worker really runs this version of the model; what an emulated one takes comes from a table. */
function canTime({ executor, draining, models }: WorkerStatus, model: ModelEntry): boolean {
  return executor !== 'emulated' && !draining && models[model.name] === model.digest;
}
