/**
 * Measures how long the subnets of one version take on one device class: on all of its idle workers at once, as they will
 * serve; while queries are served, on all but one, so that there is always somebody to serve them.
 */
import type { KeyBucket, LatencyProfile, Log, ModelEntry, WorkerStatus } from '@slackline/shared';
import type { ProfilerConfig } from './config.js';
import { latencyRows, type SubnetSamples } from './latency-table.js';
import type { ProfileCache } from './profile-cache.js';
import { cellsOf, filledIn, planGrid } from './stages/grid.js';
import { type Grid, type LatencyDeps, measureGrid } from './stages/latency.js';
import type { Report } from './telemetry.js';
import type { Traffic } from './traffic.js';
import { isIdle, mostOnOneHost } from './workers.js';

export const retryMs = 1_000;
/** The only worker of a class that serves is timed in pieces this short, with as long a pause for batches after each. */
const pieceMs = 20;

export interface LatencyProfilerDeps extends LatencyDeps {
  keys: KeyBucket;
  cache: ProfileCache;
  traffic: Traffic;
  log: Log;
  report: Report;
}

export interface ProfileRequest {
  model: ModelEntry;
  deviceClass: string;
  /** Workers that should be there before any are timed; the wait for them is bounded. */
  expected: number;
  /** Not to be answered from what was kept. */
  fresh?: boolean;
  /** Gives the request up: the version is not wanted any more. */
  signal: AbortSignal;
  onStep?: (done: number, total: number) => void;
}

export class LatencyProfiler {
  /** Two at once would time each other's load. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly config: ProfilerConfig,
    private readonly deps: LatencyProfilerDeps,
  ) {}

  /**
   * The profile, kept from before or measured now; undefined when no worker of the class has the version any more.
   * Rejects when measuring failed, or with the reason of the request's signal.
   */
  profile(request: ProfileRequest): Promise<LatencyProfile | undefined> {
    const profiled = this.#turn.then(async () => {
      request.signal.throwIfAborted();
      const profile = await this.#profile(request);
      request.signal.throwIfAborted();
      return profile;
    });
    this.#turn = profiled.catch(() => {});
    return profiled;
  }

  async #profile(request: ProfileRequest): Promise<LatencyProfile | undefined> {
    const { model, deviceClass, expected, fresh = false } = request;
    const kept = fresh ? undefined : await this.deps.cache.read(model.name, deviceClass);
    if (kept !== undefined && this.#fits(kept, model, expected)) return kept;
    const timed = await this.#gather(request);
    const [first] = timed;
    if (first === undefined) return undefined;
    const concurrency = mostOnOneHost(timed);
    if (kept !== undefined && this.#fits(kept, model, concurrency)) return kept;

    const samples = await this.#measure(request, timed);
    const profile: LatencyProfile = {
      v: 1,
      model: model.name,
      digest: model.digest,
      deviceClass,
      executor: first.executor,
      concurrency,
      measuredAt: new Date().toISOString(),
      batches: this.config.BATCHES,
      subnets: latencyRows(samples, model.subnets),
    };
    // A profile that cannot be kept still serves; it is measured again next time.
    await this.deps.cache.write(profile).catch((error: unknown) => {
      this.deps.log.warn({ err: error }, 'the profile could not be kept');
    });
    return profile;
  }

  async #measure(request: ProfileRequest, timed: readonly WorkerStatus[]): Promise<SubnetSamples[]> {
    const { model, deviceClass, signal } = request;
    const { log, report, traffic } = this.deps;
    const workers = timed.map(({ workerId }) => workerId);
    const alone = timed.length === this.#living(request).length;
    log.info({ model: model.name, deviceClass, workers, serving: traffic.isServing }, 'measuring latency');
    const onStep = (done: number, total: number) => {
      report({ stage: 'latency', model: model.name, deviceClass, done, total });
      request.onStep?.(done, total);
    };
    const grid: Grid = {
      model: model.name,
      digest: model.digest,
      subnets: model.subnets.map((subnet) => subnet.id),
      batches: this.config.BATCHES,
      cellBudgetMs: this.config.CELL_BUDGET_MS,
    };
    if (!alone) return measureGrid(grid, timed, this.deps, onStep, signal);
    if (traffic.isServing) return this.#measureInPieces(grid, timed, onStep, signal);
    // Nobody is left to serve: when queries come, this attempt ends, and the next one leaves a worker to them.
    const attempt = new AbortController();
    const unlisten = traffic.onServing(() => attempt.abort(new Error('queries came while all workers were timed')));
    try {
      return await measureGrid(grid, timed, this.deps, onStep, AbortSignal.any([signal, attempt.signal]));
    } finally {
      unlisten();
    }
  }

  /** Cell by cell, with a pause for batches as long as it after each. Both together are what the plan bounds. */
  async #measureInPieces(
    grid: Grid,
    timed: readonly WorkerStatus[],
    onStep: (done: number, total: number) => void,
    signal: AbortSignal,
  ): Promise<SubnetSamples[]> {
    const cellBudgetMs = Math.min(grid.cellBudgetMs, 2 * pieceMs);
    const plan = planGrid(grid.subnets, grid.batches, 2 * cellBudgetMs);
    const results: SubnetSamples[] = [];
    for (const id of grid.subnets) {
      const samples = grid.batches.map((): number[] => []);
      const { batches, budgetMs } = cellsOf(plan, id, grid.batches, cellBudgetMs);
      for (const batch of batches) {
        const startedMs = this.deps.clock.now();
        const cell = { ...grid, subnets: [id], batches: [batch], cellBudgetMs: budgetMs };
        const [measured] = await measureGrid(cell, timed, this.deps, () => {}, signal);
        samples[grid.batches.indexOf(batch)] = measured?.samples[0] ?? [];
        await this.deps.workers.until(() => false, this.deps.clock.now() - startedMs, signal);
      }
      results.push({ id, samples });
      onStep(results.length, grid.subnets.length);
    }
    return filledIn(results, plan);
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

  #living({ model, deviceClass }: ProfileRequest): WorkerStatus[] {
    const { workers } = this.deps;
    return workers.all().filter((worker) => worker.deviceClass === deviceClass && canTime(worker, model));
  }

  /** Who is to be timed: once enough have come or the wait is over, at least one, if any lives. */
  async #gather(request: ProfileRequest): Promise<WorkerStatus[]> {
    const { model, deviceClass, expected, signal } = request;
    const { report, traffic, workers } = this.deps;
    const living = () => this.#living(request);
    const idle = () => living().filter(isIdle);
    report({ stage: 'waiting', model: model.name, deviceClass, done: idle().length, total: expected });
    const isComplete = () => (traffic.isServing ? living() : idle()).length >= expected;
    await workers.until(isComplete, this.config.WORKERS_WAIT_MS, signal);
    while (!signal.aborted && living().length > 0) {
      // A busy worker takes the request up at the end of its batch: on a loaded system nobody need be idle.
      if (traffic.isServing) return living().slice(0, Math.max(1, living().length - 1));
      if (idle().length > 0) return idle();
      await workers.until(() => idle().length > 0, retryMs, signal);
    }
    return [];
  }
}

/** Whether a worker really runs this version of the model; what an emulated one takes comes from a table. */
export function canTime({ executor, draining, models, versions }: WorkerStatus, model: ModelEntry): boolean {
  const hasLoaded = models[model.name] === model.digest || versions.includes(model.digest);
  return executor !== 'emulated' && !draining && hasLoaded;
}
