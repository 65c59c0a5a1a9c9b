/**
 * One term of leadership: everything between taking the lease and losing it. The stream's queries go into the dispatcher,
 * its batches to workers, their ends into outcomes. When the term is over nothing is sent or answered any more; what was
 * held is un-acked, so the stream delivers it to the next leader.
 */

import { type Batch, ConditionsEstimate, createPolicy, Dispatcher, type LatencyTable } from '@slackline/scheduling';
import {
  type BatchAnswer,
  type BrokerTime,
  type Bus,
  type BusMessage,
  batchDone,
  type Clock,
  type Log,
  pack,
  SlacklineError,
  type Subjects,
  type Subscription,
  unpack,
  workerStatus,
} from '@slackline/shared';
import { SolverThread } from '@slackline/solver';
import { batchLimits, commandOf, factsOf } from './batch-command.js';
import type { SchedulerConfig } from './config.js';
import type { HeldQuery } from './held-query.js';
import { Intake } from './intake.js';
import { Liveness } from './liveness.js';
import { Outcomes } from './outcomes.js';
import { type Planning, planningOf } from './planning.js';
import type { Tally } from './tally.js';
import { WakeUps } from './wake-ups.js';
import { reportOf } from './worker-report.js';

export interface TermParts {
  bus: Bus;
  subjects: Subjects;
  clock: Clock;
  brokerTime: BrokerTime;
  log: Log;
  config: SchedulerConfig;
  tally: Tally;
  /** Names of models that were taken away; changes while the term lasts. */
  removed: ReadonlySet<string>;
  /** Whether the lease is certainly held at this moment. */
  isCurrent: () => boolean;
  /** Ends the term: it can do its work no more. */
  resign: (reason: string) => void;
}

export class Term {
  readonly #outcomes: Outcomes;
  readonly #dispatcher: Dispatcher<HeldQuery>;
  readonly #intake: Intake;
  readonly #liveness: Liveness;
  readonly #conditions: ConditionsEstimate;
  readonly #wakeUps: WakeUps;
  readonly #planning: Planning | undefined;
  #subscriptions: Subscription[] = [];
  #over = false;
  #onIdle: (() => void) | undefined;

  constructor(
    readonly token: number,
    private readonly parts: TermParts,
  ) {
    const { bus, subjects, clock, log, config } = parts;
    this.#conditions = new ConditionsEstimate(config.OVERHEAD_MS);
    this.#wakeUps = new WakeUps(
      clock,
      () => this.#now(),
      () => this.#run(),
    );
    this.#intake = new Intake(bus, subjects, config, log, {
      onQuery: (query) => {
        this.#dispatcher.add(query);
        this.#wakeUps.soon();
      },
      onConsumerLost: (reason) => {
        if (!this.#over) parts.resign(reason);
      },
      isOver: () => this.#silent(),
    });
    this.#outcomes = new Outcomes(bus, subjects, clock, log, (query, outcome) => {
      this.#intake.settled(query);
      parts.tally.outcomes[outcome] += 1;
    });
    const policy = createPolicy(config.POLICY);
    this.#dispatcher = new Dispatcher<HeldQuery>(
      policy,
      {
        send: (batch) => this.#send(batch),
        expired: (query) => this.#outcomes.expire(query, this.#now()),
        failed: (query) => this.#outcomes.fail(query, lostTwice(query)),
        fenced: (workerId, epoch) => bus.publish(subjects.fenced(workerId), pack({ v: 1, epoch })),
      },
      {
        conditions: this.#conditions.read(clock.now()),
        ...batchLimits(bus.maxPayloadBytes),
        deadAfterMs: config.WORKER_DEAD_AFTER_MS,
        overdueMs: config.BATCH_OVERDUE_MS,
      },
      `${token}-`,
    );
    this.#liveness = new Liveness(
      bus,
      subjects,
      clock,
      config,
      this.#dispatcher,
      () => this.#now(),
      (workerId, epoch, reason) => this.#lost(workerId, epoch, reason),
    );
    this.#planning = planningOf(policy, {
      clock,
      log,
      solver: new SolverThread(),
      view: () => this.#dispatcher.planView(this.#now()),
      onPlan: () => this.#run(),
    });
  }

  get queued(): number {
    return this.#dispatcher.queued;
  }

  get inFlight(): number {
    let queries = 0;
    for (const batch of this.#dispatcher.inFlight()) queries += batch.queries.length;
    return queries;
  }

  get workers(): number {
    return this.#dispatcher.workers;
  }

  /** Listens to workers, then takes over the stream. */
  async start(): Promise<void> {
    const { bus, subjects } = this.parts;
    const guarded = (kind: string, handle: (message: BusMessage) => void) => (message: BusMessage) => {
      if (this.#silent()) return;
      try {
        handle(message);
      } catch (error) {
        if (!(error instanceof SlacklineError)) throw error;
        this.parts.log.warn({ code: error.code, kind, subject: message.subject }, error.message);
      }
    };
    this.#subscriptions = [
      bus.subscribe(
        subjects.batchesDone,
        guarded('batches.done', (m) => this.#done(m.data)),
      ),
      bus.subscribe(
        subjects.workersAvailable,
        guarded('workers.available', (m) => this.#report(m.data)),
      ),
      bus.subscribe(
        subjects.heartbeat('*'),
        guarded('heartbeat', (m) => this.#report(m.data)),
      ),
    ];
    this.#liveness.start();
    this.#planning?.start();
    await this.#intake.start(this.token);
  }

  setTable(model: string, deviceClass: string, table: LatencyTable | undefined, version?: string): void {
    this.#dispatcher.setTable(model, deviceClass, table, version);
    this.#run();
  }

  /** Gives the waiting queries of models that were taken away their outcome. */
  failRemoved(): void {
    if (this.#silent()) return;
    for (const model of this.parts.removed) {
      for (const query of this.#dispatcher.withdraw(model)) {
        const what = `Query ${query.id} was waiting for the model ${model}`;
        this.#outcomes.fail(query, new SlacklineError('model_removed', what));
      }
    }
  }

  /** Takes no more queries in and waits for the batches that are out, at most `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    await this.#intake.stop();
    if (this.inFlight === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.parts.clock.after(limitMs, resolve);
      this.#onIdle = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Ends the term. From the first moment on nothing is sent or answered. */
  async stop(): Promise<void> {
    this.#over = true;
    this.#wakeUps.stop();
    this.#liveness.stop();
    this.#outcomes.stop();
    await Promise.all([
      this.#planning?.stop(),
      this.#intake.stop(),
      ...this.#subscriptions.map((each) => each.drain()),
    ]);
  }

  /** Reckons with how serving lately differed from the profile, and with how well the broker's clock is known. */
  refreshConditions(): void {
    const conditions = this.#conditions.read(this.parts.clock.now());
    const overheadMs = conditions.overheadMs + this.parts.brokerTime.uncertaintyMs;
    this.#dispatcher.setConditions({ ...conditions, overheadMs });
  }

  #now(): number {
    return this.parts.brokerTime.nowMs();
  }

  /** Whether the term is over, or may be: then nothing may be said. */
  #silent(): boolean {
    return this.#over || !this.parts.isCurrent();
  }

  #run(): void {
    if (this.#silent()) return;
    this.failRemoved();
    this.#dispatcher.run(this.#now());
    this.#planWake();
  }

  #planWake(): void {
    this.#wakeUps.at(this.#dispatcher.nextWakeMs());
  }

  #send(batch: Batch<HeldQuery>): void {
    const { bus, subjects, config } = this.parts;
    const command = commandOf(batch, this.token, config.CLAIM_ABOVE_BYTES);
    bus.publish(subjects.batch(batch.workerId), pack(command));
  }

  #report(data: Uint8Array): void {
    const status = unpack('worker status', workerStatus, data);
    const { workerId, epoch } = status;
    if (status.draining && status.batchId === null) {
      if (this.#dispatcher.leave(workerId, epoch)) this.parts.tally.forget(workerId);
      return;
    }
    this.parts.tally.executor(workerId, status.executor);
    this.#dispatcher.report(reportOf(status), this.#now());
    this.#settled();
  }

  #done(data: Uint8Array): void {
    const done = unpack('batches.done', batchDone, data);
    if (done.token !== this.token) return;
    const nowMs = this.#now();
    const { answers } = done;
    if (!Array.isArray(answers)) {
      this.parts.log.warn({ worker: done.workerId, ...answers }, 'a worker refused its batch');
      this.#dispatcher.refused(done.batchId, done.workerId, done.epoch, nowMs);
      this.#settled();
      return;
    }
    const batch = this.#dispatcher.complete(done.batchId, done.workerId, done.epoch, nowMs);
    if (batch === undefined) return;
    const executorMs = done.actuationMs + done.inferenceMs;
    const { expectedMs, sentAtMs } = batch;
    const sample = { atMs: this.parts.clock.now(), roundTripMs: nowMs - sentAtMs, executorMs, expectedMs };
    if (this.#conditions.add(sample)) this.refreshConditions();
    this.#answer(batch, answers, done.inferenceMs, nowMs);
    this.#dispatcher.run(nowMs);
    this.#settled();
  }

  /** A batch is out no more. */
  #settled(): void {
    // A worker that has let a removed model go refuses its batch, whose queries then wait again.
    this.failRemoved();
    this.#planWake();
    if (this.#onIdle !== undefined && this.inFlight === 0) this.#onIdle();
  }

  #answer(batch: Batch<HeldQuery>, answers: BatchAnswer[], inferenceMs: number, nowMs: number): void {
    this.parts.tally.batch(batch);
    batch.queries.forEach((query, i) => {
      const answer = answers[i];
      if (answer === undefined || 'error' in answer) {
        const what = `Worker ${batch.workerId} could not run query ${query.id} (${answer?.error ?? 'no answer'})`;
        this.#outcomes.fail(query, new SlacklineError('executor_failed', what));
        return;
      }
      const executor = this.parts.tally.executorOf(batch.workerId);
      const facts = factsOf(batch, query, { inferenceMs, executor, nowMs });
      this.#outcomes.answer(query, facts, answer.outputs);
    });
  }

  #lost(workerId: string, epoch: string, reason: string): void {
    if (this.#silent()) return;
    this.parts.log.warn({ worker: workerId, reason }, 'a worker is lost; its queries go to others');
    this.parts.tally.workersLost += 1;
    this.parts.tally.forget(workerId);
    this.#dispatcher.lost(workerId, epoch, this.#now());
    this.#settled();
  }
}

function lostTwice(query: HeldQuery): SlacklineError {
  return new SlacklineError('worker_lost', `Query ${query.id} was lost with ${query.deaths} workers`);
}
