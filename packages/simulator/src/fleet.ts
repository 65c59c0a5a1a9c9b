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
import type { SimulatedWorker } from './worker.js';

/** The defaults of the services' configuration. */
export const serviceLiveness: Liveness = { probeEveryMs: 25, heartbeatMs: 100, deadAfterMs: 500, overdueMs: 1_000 };

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
  send(worker: SimulatedWorker, batch: Batch<SimulatedQuery>, nowMs: number): void {
    worker.batch = batch;
    worker.version += 1;
    if (!worker.alive) return;
    const model = worker.hosts.get(batch.model);
    if (model === undefined) throw new RangeError(`${worker.id} does not host ${batch.model}`);
    const { subnetIndex } = batch;
    const isActuated = worker.actuated[model.index] === subnetIndex;
    const actuationMs = isActuated ? 0 : (model.table.actuationMs[subnetIndex] ?? 0) + this.#actuationDelayMs;
    worker.actuated[model.index] = subnetIndex;
    worker.counted = model.counted[subnetIndex] ?? 0;
    worker.executorMs = actuationMs + this.#executorMs(model, subnetIndex, batch.queries.length);
    worker.startedMs = Math.max(nowMs + this.#busDelay(), worker.pausedUntilMs);
    this.#planEnd(worker);
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
    worker.version += 1;
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
    const { batch, bornMs, silentFromMs } = worker;
    const heldMs = batch === undefined ? 0 : nowMs - batch.sentAtMs;
    const lastHeartbeatMs = bornMs + Math.floor((silentFromMs - bornMs) / heartbeatMs) * heartbeatMs;
    const isOverdue = batch !== undefined && heldMs > batch.expectedMs + overdueMs;
    if (isOverdue || nowMs - Math.max(lastHeartbeatMs, worker.lastSeenMs) > deadAfterMs) return true;
    // A paused process keeps its connection, so that its probe is only never answered.
    if (!worker.alive && batch !== undefined && heldMs >= probeEveryMs) {
      this.events.push(nowMs + this.#busDelay(), eventKinds.lost, worker.index, worker.life);
    } else {
      this.events.push(nextRound(nowMs, probeEveryMs), eventKinds.probe, worker.index, worker.life);
    }
    return false;
  }

  #crash(worker: SimulatedWorker, nowMs: number): void {
    if (!worker.alive) return;
    this.alive -= 1;
    worker.alive = false;
    // An end that has left it already still arrives.
    if (worker.finishedMs > nowMs) worker.version += 1;
    this.#fallSilent(worker, nowMs, Number.POSITIVE_INFINITY);
  }

  #pause(worker: SimulatedWorker, nowMs: number, forMs: number): void {
    const fromMs = Math.max(nowMs, worker.pausedUntilMs);
    const untilMs = nowMs + forMs;
    // Of a pause within another one only what lasts longer changes something.
    if (!worker.alive || untilMs <= fromMs) return;
    worker.pausedUntilMs = untilMs;
    if (worker.batch !== undefined && worker.finishedMs > nowMs) {
      if (worker.startedMs >= nowMs) worker.startedMs = Math.max(worker.startedMs, untilMs);
      else worker.executorMs += untilMs - fromMs;
      worker.version += 1;
      this.#planEnd(worker);
    }
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

  #planEnd(worker: SimulatedWorker): void {
    worker.finishedMs = worker.startedMs + worker.executorMs;
    this.events.push(worker.finishedMs + this.#busDelay(), eventKinds.done, worker.index, worker.version);
  }
}

function nextRound(nowMs: number, everyMs: number): number {
  return (Math.floor(nowMs / everyMs) + 1) * everyMs;
}
