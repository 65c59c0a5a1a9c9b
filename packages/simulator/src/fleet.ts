/**
 * The workers of a simulation: they run what they are sent, die, pause and come back, and are found out as the scheduler service
 * finds them out. Everything that will happen is put into the heap of events; `Simulation` hands it back when its time has come.
 */
import type { Batch } from '@slackline/scheduling';
import { randomSource, sampler } from './distribution.js';
import type { EventHeap } from './event-heap.js';
import { eventKinds } from './event-kinds.js';
import { executorTimes } from './noise.js';
import type { Liveness, SimulationOptions, WorkerEvent } from './options.js';
import type { SimulatedQuery } from './query.js';
import type { Run, SimulatedWorker } from './worker.js';

/** The defaults of the services' configuration. */
export const serviceLiveness: Liveness = { probeEveryMs: 25, heartbeatMs: 100, deadAfterMs: 500, overdueMs: 1_000 };

/** As in the service (services/scheduler/src/liveness.ts). */
const silentShare = 0.25;

export class Fleet {
  readonly #byId: ReadonlyMap<string, SimulatedWorker>;
  readonly #busDelay: () => number;
  readonly #executorMs: ReturnType<typeof executorTimes>;
  readonly #actuationDelayMs: number;
  readonly #detection: Liveness | number;
  readonly #happenings: readonly WorkerEvent[];
  alive = 0;

  constructor(
    readonly workers: readonly SimulatedWorker[],
    private readonly events: EventHeap,
    options: SimulationOptions,
  ) {
    const seed = options.seed ?? 1;
    this.#byId = new Map(workers.map((worker) => [worker.id, worker]));
    this.#busDelay = sampler(options.busDelayMs ?? 0, randomSource(seed, 1));
    this.#executorMs = executorTimes(options.noise ?? { kind: 'none' }, randomSource(seed, 2));
    this.#actuationDelayMs = options.actuationDelayMs ?? 0;
    this.#detection = options.detection ?? serviceLiveness;
    this.#happenings = options.events ?? [];
    this.#happenings.forEach(({ atMs, worker }, i) => {
      if (workers[worker] === undefined) throw new RangeError(`there is no worker ${worker}`);
      events.push(atMs, eventKinds.happening, i, 0);
    });
  }

  get(index: number): SimulatedWorker {
    const worker = this.workers[index];
    if (worker === undefined) throw new RangeError(`there is no worker ${index}`);
    return worker;
  }

  /** The worker that a batch was sent to. */
  of({ workerId }: Batch<SimulatedQuery>): SimulatedWorker {
    const worker = this.#byId.get(workerId);
    if (worker === undefined) throw new RangeError(`there is no worker ${workerId}`);
    return worker;
  }

  /** A batch leaves the scheduler. Its end is put into the events, unless nobody is there to run it. */
  send(worker: SimulatedWorker, batch: Batch<SimulatedQuery>, nowMs: number): Run {
    const model = worker.hosts.get(batch.model);
    if (model === undefined) throw new RangeError(`${worker.id} does not host ${batch.model}`);
    const before = worker.runs.at(-1);
    const { subnetIndex } = batch;
    const isActuated = worker.actuated[model.index] === subnetIndex;
    const actuationMs = isActuated ? 0 : (model.table.actuationMs[subnetIndex] ?? 0) + this.#actuationDelayMs;
    worker.actuated[model.index] = subnetIndex;
    const executorMs = actuationMs + this.#executorMs(model, subnetIndex, batch.queries.length);
    // Messages of one connection stay in order.
    const arrivesMs = Math.max(nowMs + this.#busDelay(), before?.arrivesMs ?? 0);
    const startedMs = Math.max(arrivesMs, before?.finishedMs ?? 0, worker.pausedUntilMs);
    const counted = model.counted[subnetIndex] ?? 0;
    const ends = { waitedMs: 0, version: 0, finishedMs: 0, doneMs: 0 };
    const run: Run = { batch, counted, record: undefined, arrivesMs, startedMs, executorMs, ...ends };
    worker.runs.push(run);
    if (worker.alive) this.#planEnd(worker, run, before);
    else if (typeof this.#detection !== 'number' && this.#isSilentFor(worker, nowMs, this.#detection)) {
      // No end will come under this version: it is what the run is known by.
      worker.version += 1;
      run.version = worker.version;
      this.events.push(run.arrivesMs + this.#busDelay(), eventKinds.unheard, worker.index, run.version);
    }
    return run;
  }

  /** Something that the options say happens to a worker. */
  happen(index: number, nowMs: number): void {
    const event = this.#happenings[index];
    if (event === undefined) throw new RangeError(`there is no event ${index}`);
    const worker = this.get(event.worker);
    if (event.kind === 'join') this.join(worker, nowMs);
    else if (event.kind === 'pause') this.#pause(worker, nowMs, event.forMs);
    else this.#crash(worker, nowMs);
  }

  /** It is there before the first query. */
  begin(worker: SimulatedWorker): void {
    this.alive += 1;
    worker.alive = true;
  }

  /** A new life: started, started again, or told that the old one is over. Whatever the old one held is lost. */
  join(worker: SimulatedWorker, nowMs: number): void {
    if (!worker.alive) this.alive += 1;
    worker.alive = true;
    worker.life += 1;
    for (const run of worker.runs) run.version = 0;
    worker.pausedUntilMs = 0;
    worker.bornMs = nowMs;
    worker.actuated.length = 0;
    this.events.push(nowMs + this.#busDelay(), eventKinds.report, worker.index, worker.life);
  }

  /** A pause is over. Who was given up meanwhile hears so at its next heartbeat, and begins anew. */
  resume(worker: SimulatedWorker, nowMs: number): void {
    if (!worker.alive || worker.pausedUntilMs > nowMs) return;
    worker.lastSeenMs = nowMs;
    if (worker.knownEpoch === '') this.join(worker, nowMs + this.#busDelay());
  }

  /** A round of the scheduler's liveness, for a worker that does not speak. Returns whether it is given up at once. */
  probe(worker: SimulatedWorker, nowMs: number): boolean {
    const isSilent = !worker.alive || worker.pausedUntilMs > nowMs;
    if (worker.knownEpoch === '' || !isSilent || typeof this.#detection === 'number') return false;
    const { probeEveryMs, heartbeatMs, deadAfterMs, overdueMs } = this.#detection;
    const batch = worker.runs[0]?.batch;
    const heldMs = batch === undefined ? 0 : nowMs - batch.sentAtMs;
    const isOverdue = batch !== undefined && nowMs - batch.startMs > batch.expectedMs + overdueMs;
    if (isOverdue || nowMs - lastHeardMs(worker, heartbeatMs) > deadAfterMs) return true;
    // A paused process keeps its connection, so that its probe is only never answered.
    if (!worker.alive && batch !== undefined && heldMs >= probeEveryMs) {
      this.events.push(nowMs + this.#busDelay(), eventKinds.lost, worker.index, worker.life);
    } else {
      this.events.push(nextRound(nowMs, probeEveryMs), eventKinds.probe, worker.index, worker.life);
    }
    return false;
  }

  /** Whether the scheduler wants to hear, with the next batch that it sends there, whether anybody listens. */
  #isSilentFor(worker: SimulatedWorker, nowMs: number, { heartbeatMs, deadAfterMs }: Liveness): boolean {
    return nowMs - lastHeardMs(worker, heartbeatMs) > silentShare * deadAfterMs;
  }

  #crash(worker: SimulatedWorker, nowMs: number): void {
    if (!worker.alive) return;
    this.alive -= 1;
    worker.alive = false;
    // An end that has left it already still arrives.
    for (const run of worker.runs) if (run.finishedMs > nowMs) run.version = 0;
    this.#fallSilent(worker, nowMs, Number.POSITIVE_INFINITY);
  }

  #pause(worker: SimulatedWorker, nowMs: number, forMs: number): void {
    const fromMs = Math.max(nowMs, worker.pausedUntilMs);
    const untilMs = nowMs + forMs;
    // Of a pause within another one only what lasts longer changes something.
    if (!worker.alive || untilMs <= fromMs) return;
    worker.pausedUntilMs = untilMs;
    worker.runs.forEach((run, i) => {
      const before = worker.runs[i - 1];
      if (run.finishedMs <= nowMs) return;
      if (run.startedMs >= nowMs) run.startedMs = Math.max(run.startedMs, untilMs, before?.finishedMs ?? 0);
      else run.executorMs += untilMs - fromMs;
      this.#planEnd(worker, run, before);
    });
    this.events.push(untilMs, eventKinds.resume, worker.index, worker.life);
    this.#fallSilent(worker, fromMs > nowMs ? worker.silentFromMs : nowMs, untilMs);
  }

  #fallSilent(worker: SimulatedWorker, fromMs: number, untilMs: number): void {
    worker.silentFromMs = fromMs;
    if (typeof this.#detection === 'number') {
      if (untilMs - fromMs > this.#detection)
        this.events.push(fromMs + this.#detection, eventKinds.lost, worker.index, worker.life);
    } else {
      this.events.push(nextRound(fromMs, this.#detection.probeEveryMs), eventKinds.probe, worker.index, worker.life);
    }
  }

  /** @param before what the device has to do first */
  #planEnd(worker: SimulatedWorker, run: Run, before: Run | undefined): void {
    run.waitedMs = Math.max(0, (before?.finishedMs ?? 0) - run.arrivesMs);
    run.finishedMs = run.startedMs + run.executorMs;
    run.doneMs = Math.max(run.finishedMs + this.#busDelay(), before?.doneMs ?? 0);
    worker.version += 1;
    run.version = worker.version;
    this.events.push(run.doneMs, eventKinds.done, worker.index, run.version);
  }
}

function nextRound(nowMs: number, everyMs: number): number {
  return (Math.floor(nowMs / everyMs) + 1) * everyMs;
}

/** Of a worker that does not speak any more. */
function lastHeardMs({ bornMs, silentFromMs, lastSeenMs }: SimulatedWorker, heartbeatMs: number): number {
  return Math.max(bornMs + Math.floor((silentFromMs - bornMs) / heartbeatMs) * heartbeatMs, lastSeenMs);
}
