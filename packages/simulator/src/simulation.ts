/**
 * The scheduler service in simulated time: the same Dispatcher and the same ConditionsEstimate, told of the same things, with a list
 * of events in the place of bus, workers and clocks. Whatever happens at one moment is told first; then it decides, once.
 */
import { type Batch, Dispatcher, isPlanned } from '@slackline/scheduling';
import { randomSource, sampler } from './distribution.js';
import { EventHeap } from './event-heap.js';
import { eventKinds } from './event-kinds.js';
import { Fleet } from './fleet.js';
import { Intake } from './intake.js';
import type { SimulationOptions } from './options.js';
import { Planner } from './planning.js';
import type { SimulatedQuery } from './query.js';
import { Reckoning, refreshEveryMs } from './reckoning.js';
import type { BatchRecord, QueryRecords } from './result.js';
import { Tally } from './tally.js';
import { type SimulatedWorker, subnetsOf, workersOf } from './worker.js';

/** A wake-up that is due already comes after so long, as timers of the service do. */
const leastTimerMs = 1;
const defaultMaxBatch = 256;

export class Simulation {
  readonly tally: Tally;
  readonly batchRecords: BatchRecord[] | undefined;
  readonly #events = new EventHeap();
  readonly #intake: Intake;
  readonly #fleet: Fleet;
  readonly #dispatcher: Dispatcher<SimulatedQuery>;
  readonly #planner: Planner | undefined;
  readonly #reckoning: Reckoning;
  readonly #costMs: number;
  #nowMs = 0;
  #outstanding = 0;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #busyUntilMs = 0;
  #window = 0;
  /** Events that come again and again, each once in the heap. */
  #periodic = 0;
  /** Whether something has come up since the dispatcher last ran. */
  #stirred = false;
  events = 0;
  workersLost = 0;
  lastOutcomeMs = 0;

  constructor(private readonly options: SimulationOptions) {
    const { trace, models, record = {} } = options;
    const seed = options.seed ?? 1;
    const subnets = subnetsOf(models);
    const queries = trace.arrivalsMs.length;
    const queryRecords = record.queries === true ? newRecords(queries) : undefined;
    const windowMs = options.windowMs ?? 1_000;
    this.tally = new Tally(models, subnets, queries, trace.durationMs, windowMs, queryRecords);
    this.batchRecords = record.batches === true ? [] : undefined;
    this.#fleet = new Fleet(workersOf(options, subnets), this.#events, options);
    const { policy, planning } = options;
    if (planning !== undefined && isPlanned(policy)) this.#planner = new Planner(policy, planning, this.#events);
    this.#intake = new Intake(trace, models, sampler(options.intakeDelayMs ?? 0, randomSource(seed, 3)));
    this.#costMs = options.schedulerCostMs ?? 0;
    this.#reckoning = new Reckoning(options);
    this.#dispatcher = new Dispatcher<SimulatedQuery>(
      policy,
      {
        send: (batch) => this.#send(batch),
        expired: (query) => this.#drop(query, 'expired'),
        failed: (query) => this.#drop(query, 'failed'),
        fenced: () => {},
      },
      {
        conditions: this.#reckoning.read(0),
        maxBatch: options.maxBatch ?? defaultMaxBatch,
        maxBatchBytes: Number.POSITIVE_INFINITY,
        // Heartbeats are not simulated one by one: who is silent or overdue is found out by the fleet.
        deadAfterMs: Number.POSITIVE_INFINITY,
        overdueMs: Number.POSITIVE_INFINITY,
      },
    );
  }

  get decisions(): number {
    return this.#dispatcher.decisions;
  }

  get plans(): number {
    return this.#planner?.adopted ?? 0;
  }

  /** Runs until every query has its outcome and the trace's duration is over. Throws Error where a query is left without one. */
  run(): void {
    this.#begin();
    const { durationMs } = this.options.trace;
    for (;;) {
      const atMs = Math.min(this.#intake.nextMs, this.#events.nextMs, this.#wakeAtMs);
      const isServed = this.#outstanding === 0 && this.#intake.nextMs === Number.POSITIVE_INFINITY;
      if (isServed && !(atMs < durationMs)) break;
      if (this.#isStuck) throw new Error(`${this.#outstanding} queries have no outcome`);
      this.#advance(Math.max(atMs, this.#busyUntilMs));
      this.#moment();
    }
    this.#closeWindows(Number.POSITIVE_INFINITY);
  }

  #begin(): void {
    for (const { name, tables } of this.options.models) {
      for (const [deviceClass, table] of Object.entries(tables)) this.#dispatcher.setTable(name, deviceClass, table);
    }
    let first = 0;
    for (const { count, joinMs } of this.options.workers) {
      for (let i = first; i < first + count; i += 1) {
        const worker = this.#fleet.get(i);
        if (joinMs !== undefined) this.#events.push(joinMs, eventKinds.begin, i, 0);
        else {
          this.#fleet.begin(worker);
          this.#report(worker);
        }
      }
      first += count;
    }
    if (this.#reckoning.isEstimated) this.#events.push(refreshEveryMs, eventKinds.refresh, 0, 0);
    this.#periodic = (this.#reckoning.isEstimated ? 1 : 0) + (this.#planner === undefined ? 0 : 1);
  }

  /** Whether queries wait and nothing lies ahead but what comes again and again: then they were forgotten. */
  get #isStuck(): boolean {
    const isQuiet = Math.min(this.#intake.nextMs, this.#wakeAtMs) === Number.POSITIVE_INFINITY;
    return this.#outstanding > 0 && isQuiet && this.#events.size === this.#periodic;
  }

  /** Everything that has happened by now, then the decisions. */
  #moment(): void {
    const nowMs = this.#nowMs;
    while (this.#intake.nextMs <= nowMs) this.#take();
    while (this.#events.nextMs <= nowMs) this.#handle();
    if (this.#wakeAtMs <= nowMs) {
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#stirred = true;
    }
    if (!this.#stirred) return;
    this.#stirred = false;
    this.#dispatcher.run(nowMs);
    const wakeAtMs = this.#dispatcher.nextWakeMs();
    this.#wakeAtMs = wakeAtMs > nowMs ? wakeAtMs : nowMs + leastTimerMs;
    this.#busyUntilMs = nowMs + this.#costMs;
  }

  #handle(): void {
    const events = this.#events;
    events.pop();
    this.events += 1;
    const { kind, index, version } = events;
    switch (kind) {
      case eventKinds.done:
        this.#done(this.#fleet.get(index), version);
        break;
      case eventKinds.happening:
        this.#fleet.happen(index, this.#nowMs);
        break;
      case eventKinds.unheard:
        this.#unheard(this.#fleet.get(index), version);
        break;
      case eventKinds.refresh:
        this.#refresh();
        this.#events.push(this.#nowMs + refreshEveryMs, eventKinds.refresh, 0, 0);
        break;
      case eventKinds.planCheck:
        this.#planner?.check(this.#dispatcher.planView(this.#nowMs));
        break;
      case eventKinds.adopt:
        this.#planner?.adopt();
        this.#stirred = true;
        break;
      default: {
        const worker = this.#fleet.get(index);
        // What concerns an earlier life of it is over.
        if (worker.life === version) this.#ofWorker(kind, worker);
      }
    }
  }

  #ofWorker(kind: number, worker: SimulatedWorker): void {
    if (kind === eventKinds.begin) this.#fleet.join(worker, this.#nowMs);
    else if (kind === eventKinds.report) this.#report(worker);
    else if (kind === eventKinds.resume) this.#fleet.resume(worker, this.#nowMs);
    else if (kind === eventKinds.lost || this.#fleet.probe(worker, this.#nowMs)) this.#lose(worker);
  }

  /** Takes the next query of the trace in. */
  #take(): void {
    const query = this.#intake.take();
    this.#outstanding += 1;
    this.#stirred = true;
    this.tally.accept(query);
    this.#dispatcher.add(query);
  }

  #send(batch: Batch<SimulatedQuery>): void {
    const worker = this.#fleet.of(batch);
    const run = this.#fleet.send(worker, batch, this.#nowMs);
    const size = batch.queries.length;
    this.tally.batch(size, this.#nowMs);
    if (this.batchRecords === undefined) return;
    const { model, subnet } = batch;
    const record = { sentMs: this.#nowMs, startedMs: null, finishedMs: null, doneMs: null };
    run.record = { ...record, worker: worker.index, model, subnet, size };
    this.batchRecords.push(run.record);
  }

  #done(worker: SimulatedWorker, version: number): void {
    const at = worker.runs.findIndex((run) => run.version === version);
    const [run] = at < 0 ? [] : worker.runs.splice(at, 1);
    if (run === undefined) return;
    const { batch, record } = run;
    worker.lastSeenMs = this.#nowMs;
    const completed = this.#dispatcher.complete(batch.id, worker.id, worker.epoch, this.#nowMs);
    if (completed === undefined) return;
    this.#stirred = true;
    if (this.#reckoning.add(this.#nowMs, run)) this.#refresh();
    for (const query of batch.queries) {
      this.tally.answered(query, run.counted, batch.accuracy, this.#nowMs);
      this.#settled(query);
    }
    if (record !== undefined) {
      record.startedMs = run.startedMs;
      record.finishedMs = run.finishedMs;
      record.doneMs = this.#nowMs;
    }
  }

  #drop(query: SimulatedQuery, outcome: 'expired' | 'failed'): void {
    this.tally.dropped(query, outcome, this.#nowMs);
    this.#settled(query);
  }

  #settled(query: SimulatedQuery): void {
    this.#outstanding -= 1;
    this.lastOutcomeMs = this.#nowMs;
    this.#intake.giveBack(query);
  }

  #report(worker: SimulatedWorker): void {
    // It died before its report was through.
    if (!worker.alive) return;
    worker.knownEpoch = worker.epoch;
    worker.runs.length = 0;
    worker.lastSeenMs = this.#nowMs;
    this.#dispatcher.report(worker.report(), this.#nowMs);
    this.#stirred = true;
  }

  #unheard(worker: SimulatedWorker, version: number): void {
    const run = worker.runs.find((each) => each.version === version);
    if (run !== undefined) this.#lose(worker, run.batch.id);
  }

  /** @param unheard the batch that never reached it, where it was found out by that */
  #lose(worker: SimulatedWorker, unheard?: string): void {
    const { knownEpoch } = worker;
    if (knownEpoch === '') return;
    worker.knownEpoch = '';
    worker.runs.length = 0;
    this.workersLost += 1;
    this.#dispatcher.lost(worker.id, knownEpoch, this.#nowMs, unheard);
    this.#stirred = true;
  }

  #refresh(): void {
    this.#dispatcher.setConditions(this.#reckoning.read(this.#nowMs));
  }

  #advance(nowMs: number): void {
    this.#closeWindows(nowMs);
    this.#nowMs = nowMs;
  }

  /** Notes what was so at the end of every window that is over by now. */
  #closeWindows(nowMs: number): void {
    const windowMs = this.options.windowMs ?? 1_000;
    while (this.#window < this.tally.windows && (this.#window + 1) * windowMs <= nowMs) {
      this.tally.windowEnd(this.#window, this.#dispatcher.queued, this.#fleet.alive);
      this.#window += 1;
    }
  }
}

function newRecords(queries: number): QueryRecords {
  return {
    outcome: new Uint8Array(queries),
    endedMs: new Float64Array(queries),
    accuracy: new Float64Array(queries),
  };
}
