/**
 * A cell run for real: nats-server, ingest, scheduler and a process for each worker on this machine; the workers are
 * emulated, that is, each holds its batch for as long as its device would take. The result has the form of a simulation's.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Serving, startServing } from '@slackline/cli';
import { type Figures, Load, windowMs } from '@slackline/load';
import { inCheckout, TemporaryFolder } from '@slackline/local';
import { checkSpec, type Trace, type TraceSpecInput } from '@slackline/traces';
import type { Cell, CellResult } from '../cells/cell.js';
import type { Device } from '../cells/device.js';
import { v100File } from '../cells/devices.js';
import { traceOf } from '../cells/trace.js';
import type { FigureContext } from '../figure.js';

/** A second or two at half the rate: the processes have then compiled what they run, and measured how they stand. */
const warmUpSeconds = 2;

export interface LiveResult extends Omit<CellResult, 'windows' | 'meanBatch' | 'wallMs'> {
  /** In windows of half a second: what the producer saw of the queries that were due in them. */
  readonly windows: readonly { atMs: number; arrivals: number; ok: number; meanAccuracy: number | null }[];
  readonly refused: number;
  readonly unanswered: number;
  /** How late the producer sent queries. */
  readonly sendLagMs: { readonly p99: number; readonly max: number };
  /** When workers really died, from the load's start. */
  readonly killedAtMs: readonly number[];
}

/**
 * Starts a system, sends the cell's trace, ends the system. `crash` events kill worker processes.
 * @throws the signal's reason; `nats_server_missing`, `service_failed` (SlacklineError)
 */
export async function runLive(cell: Cell, context: Pick<FigureContext, 'signal' | 'progress'>): Promise<LiveResult> {
  const trace = await traceOf(cell.trace);
  return withSystem(cell, context, async (serving) => {
    const rate = (1_000 * trace.arrivalsMs.length) / trace.durationMs;
    const warmUp = {
      kind: 'constant',
      rate: rate / 2,
      seconds: Math.min(warmUpSeconds, trace.durationMs / 1_000),
    } as const;
    context.progress('live: warming up');
    await send(serving, warmUp, cell.sloMs, context.signal);
    const deaths = new Deaths(serving, cell);
    const totalSeconds = Math.round(trace.durationMs / 1_000);
    try {
      const figures = await send(serving, trace, cell.sloMs, context.signal, (soFar) => {
        deaths.plan(soFar.elapsedMs);
        context.progress(
          `live: ${Math.round(soFar.elapsedMs / 1_000)} of ${totalSeconds} s, ${soFar.outcomes.ok} in time`,
        );
      });
      return resultOf(cell, figures, await deaths.end());
    } finally {
      await deaths.end();
    }
  });
}

/** Starts a system for a cell, lets `use` have it, and ends it whatever comes. */
export async function withSystem<T>(
  { device, policy, workers, sloMs }: Pick<Cell, 'device' | 'policy' | 'workers' | 'sloMs'>,
  { signal, progress }: Pick<FigureContext, 'signal' | 'progress'>,
  use: (serving: Serving) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const folder = new TemporaryFolder('experiments');
  try {
    const file = join(folder.path, 'device.json');
    writeFileSync(file, JSON.stringify(emulatedProfile(device, sloMs)));
    const choices = {
      ...{ workers, policy, deviceProfile: [file], executor: 'emulated' as const },
      ...{ model: inCheckout('models/fashion'), restore: false, json: false },
    };
    const listener = { onProgress: (text: string) => progress(`live: ${text}`), onNote: () => {} };
    const serving = await startServing(choices, listener, signal);
    try {
      return await use(serving);
    } finally {
      await serving.stop();
    }
  } finally {
    folder.remove();
  }
}

/** Sends queries and waits for what becomes of them. @throws the signal's reason, once the load has stopped */
export async function send(
  { system, subjects, model }: Serving,
  arrivals: Trace | TraceSpecInput,
  sloMs: number,
  signal: AbortSignal,
  onProgress: (figures: Figures) => void = () => {},
): Promise<Figures> {
  const load = new Load(
    {
      natsUrl: system.natsUrl,
      subjectPrefix: subjects.prefix,
      models: [{ entry: model, sloMs }],
      arrivals: 'arrivalsMs' in arrivals ? arrivals : checkSpec(arrivals),
    },
    onProgress,
  );
  const onAbort = () => load.stop();
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    const figures = await load.done;
    signal.throwIfAborted();
    return figures;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A device as a table that the profiler serves to emulated workers. It has no tail: what a real run adds is real. */
function emulatedProfile({ model, deviceClass, batches, subnets }: Device, sloMs: number): object {
  const { v, entry, source } = JSON.parse(readFileSync(v100File, 'utf8')) as {
    v: number;
    entry: object;
    source: string;
  };
  const rows = subnets.map(({ id, accuracy, p50Ms }) => ({ id, accuracy, p50Ms, p99Ms: p50Ms }));
  const facts = { executor: 'emulated', concurrency: 1, measuredAt: 'scaled from a table', source };
  return { v, ...facts, model, deviceClass, batches, entry: { ...entry, sloMs }, subnets: rows };
}

/** Kills workers at their moments of the load, which runs on a clock of its own. */
class Deaths {
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #killed: Promise<number>[] = [];
  #isPlanned = false;

  constructor(
    private readonly serving: Serving,
    private readonly cell: Cell,
  ) {}

  /** @param elapsedMs how old the load is now */
  plan(elapsedMs: number): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    const startedAtMs = performance.now() - elapsedMs;
    for (const event of this.cell.events ?? []) {
      if (event.kind !== 'crash') throw new RangeError(`a live run cannot ${event.kind} a worker`);
      const kill = async () => {
        const atMs = performance.now() - startedAtMs;
        await this.serving.system.killWorker(event.worker);
        return atMs;
      };
      const begin = () => void this.#killed.push(kill());
      this.#timers.push(setTimeout(begin, event.atMs - elapsedMs));
    }
  }

  /** No worker dies after this. @returns when those that did were killed */
  async end(): Promise<number[]> {
    for (const timer of this.#timers) clearTimeout(timer);
    return Promise.all(this.#killed);
  }
}

function resultOf(cell: Cell, figures: Figures, killedAtMs: readonly number[]): LiveResult {
  const { published, refused, outcomes, accuracySum, subnets, latencyMs, lagMs, unanswered } = figures;
  const answers = subnets.reduce((sum, subnet) => sum + subnet.answers, 0);
  const answersOf = (id: string) => subnets.find((subnet) => subnet.id === id)?.answers ?? 0;
  return {
    policy: cell.policy,
    queries: published,
    ...outcomes,
    refused: refused.overloaded + refused.other,
    unanswered,
    attainment: outcomes.ok / Math.max(1, published),
    accuracy: accuracySum / Math.max(1, outcomes.ok),
    effectiveAccuracy: accuracySum / Math.max(1, published),
    subnets: cell.device.subnets.map(({ id, accuracy }) => ({
      id,
      accuracy,
      share: answersOf(id) / Math.max(1, answers),
    })),
    latencyMs,
    sendLagMs: lagMs,
    windows: figures.windows.map(({ atMs, sent, ok, accuracySum: sum }) => ({
      ...{ atMs, arrivals: sent, ok },
      meanAccuracy: ok === 0 ? null : sum / ok,
    })),
    killedAtMs,
  };
}

/** Length of the windows of a live result. */
export const liveWindowMs = windowMs;
