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
  Complaints,
  type Log,
  pack,
  SlacklineError,
  type Subjects,
  type Subscription,
  unpack,
  workerStatus,
} from '@slackline/shared';
import { SolverThread } from '@slackline/solver';
import { BacklogVoice } from './backlog-voice.js';
import { batchLimits, commandOf, factsOf } from './batch-command.js';
import type { SchedulerConfig } from './config.js';
import { Gate } from './gate.js';
import type { HeldQuery } from './held-query.js';
import { Intake } from './intake.js';
import { Liveness } from './liveness.js';
import { Outcomes } from './outcomes.js';
import { type Planning, planningOf } from './planning.js';
import { ReadMark } from './read-mark.js';
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
  readonly #gate: Gate;
  readonly #outcomes: Outcomes;
  readonly #dispatcher: Dispatcher<HeldQuery>;
  readonly #intake: Intake;
  readonly #liveness: Liveness;
  readonly #readMark: ReadMark;
  readonly #backlogVoice: BacklogVoice;
  readonly #conditions: ConditionsEstimate;
  readonly #wakeUps: WakeUps;
  readonly #complaints: Complaints;
  readonly #planning: Planning | undefined;
  #subscriptions: Subscription[] = [];
  #over = false;
  #onIdle: (() => void) | undefined;

  constructor(
    readonly token: number,
    private readonly parts: TermParts,
  ) {
    const { bus, subjects, clock, log, config } = parts;
    this.#gate = new Gate(() => !this.#silent());
    this.#conditions = new ConditionsEstimate(config.OVERHEAD_MS);
    this.#wakeUps = new WakeUps(
      clock,
      () => this.#now(),
      () => this.#run(),
    );
    this.#complaints = new Complaints(log, clock);
    this.#intake = new Intake(bus, subjects, config, this.#complaints, {
      onQuery: (query) => {
        this.#dispatcher.add(query);
        this.#wakeUps.soon();
      },
      onUnreadable: () => {
        parts.tally.unreadable += 1;
      },
      onConsumerLost: (reason) => {
        if (!this.#over) parts.resign(reason);
      },
      isOver: () => this.#over,
      whenCurrent: (act) => this.#gate.pass(act),
    });
    const whenCurrent = (act: () => void) => this.#gate.pass(act);
    this.#outcomes = new Outcomes(bus, subjects, clock, log, whenCurrent, (query, outcome) => {
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
        fenced: (workerId, epoch) => bus.publish(subjects.fenced(workerId), pack({ v: 1, epoch, token })),
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
      (workerId, epoch) => this.#heard(workerId, epoch),
    );
    this.#readMark = new ReadMark({
      ...{ bus, clock, everyMs: config.PROBE_EVERY_MS },
      now: () => this.#now(),
      inTurn: (act) => this.#gate.pass(act),
      onRead: (atMs) => this.#dispatcher.readUpTo(atMs),
    });
    this.#backlogVoice = new BacklogVoice(this.#dispatcher, {
      ...{ bus, subjects, clock, everyMs: config.BACKLOG_EVERY_MS },
      now: () => this.#now(),
      isSilent: () => this.#silent(),
    });
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
    const guarded = (kind: string, handle: (message: BusMessage) => void) => (message: BusMessage) =>
      this.#gate.pass(() => guard(kind, handle, message));
    const guard = (kind: string, handle: (message: BusMessage) => void, message: BusMessage) => {
      try {
        handle(message);
      } catch (error) {
        if (!(error instanceof SlacklineError)) throw error;
        this.#complaints.warn(kind, { code: error.code, kind, subject: message.subject }, error.message);
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
    this.#readMark.start();
    this.#liveness.start();
    this.#backlogVoice.start();
    this.#planning?.start();
    // Who waited for heartbeats would serve a tenth of a second later; and earlier leaders are refused from here on.
    this.#gate.pass(() => bus.publish(subjects.rollCall, pack({ v: 1, token: this.token })));
    await this.#intake.start(this.token);
  }

  /** The lease had lapsed and is certain again. */
  resume(): void {
    this.#gate.open();
    this.#run();
  }

  setTable(model: string, deviceClass: string, table: LatencyTable | undefined, version?: string): void {
    this.#dispatcher.setTable(model, deviceClass, table, version);
    this.#run();
  }

  /** Gives the waiting queries of models that were taken away their outcome. */
  failRemoved(): void {
    if (this.#silent()) return;
    if (this.parts.removed.size === 0) return;
    for (const model of this.#dispatcher.waitingModels()) {
      if (!this.parts.removed.has(model)) continue;
      for (const query of this.#dispatcher.withdraw(model)) {
        const what = `Query ${query.id} was waiting for the model ${model}`;
        this.#outcomes.fail(query, new SlacklineError('model_removed', what));
      }
    }
  }

  /** Takes no more queries in and waits for the batches that are out, at most `limitMs`; those that wait go out, or stay. */
  async drain(limitMs: number, { sendsOn }: { sendsOn: boolean }): Promise<void> {
    if (!sendsOn) this.#dispatcher.hold();
    await this.#intake.stop();
    if (this.inFlight > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.parts.clock.after(limitMs, resolve);
        this.#onIdle = () => {
          cancel();
          resolve();
        };
      });
    }
    // The answers to what came back last are said at the end of this turn.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Ends the term. From the first moment on nothing is sent or answered. */
  async stop(): Promise<void> {
    this.#over = true;
    this.#gate.close();
    this.#wakeUps.stop();
    this.#liveness.stop();
    this.#backlogVoice.stop();
    this.#outcomes.stop();
    await Promise.all([
      this.#planning?.stop(),
      this.#intake.stop(),
      this.#readMark.stop(),
      ...this.#subscriptions.map((each) => each.drain()),
    ]);
  }

  /**
   * Ends what was held when the broker lost it: for a term that is over, whose stream is there no more. Nobody else can.
   * Returns how many producers were told.
   */
  tellLost(): number {
    const { bus, subjects, clock, log, tally } = this.parts;
    // No lease is asked for: the stream that it guards is another one. Stored answers were lost with it.
    const outcomes = new Outcomes(
      bus,
      subjects,
      clock,
      log,
      (say) => say(),
      (_, outcome) => {
        tally.outcomes[outcome] += 1;
      },
    );
    const queries = this.#intake.heldQueries().filter(({ replyTo }) => replyTo !== undefined);
    for (const query of queries) {
      const what = `The broker was restarted, and had query ${query.id} in memory`;
      outcomes.fail(query, new SlacklineError('query_lost', what));
    }
    return queries.length;
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

  /** Whether the term is over, or may be (its lease has lapsed): then nothing may be said. */
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
    const isTaken = this.#dispatcher.report(reportOf(status), this.#now());
    if (isTaken) this.parts.tally.executor(workerId, status.executor);
    this.#settled();
  }

  #done(data: Uint8Array): void {
    const done = unpack('batches.done', batchDone, data);
    if (done.token !== this.token) return;
    const nowMs = this.#now();
    const { answers } = done;
    if (!Array.isArray(answers)) {
      const { refused, message } = answers;
      this.#complaints.warn(
        'refused',
        { worker: done.workerId, refused, why: message.slice(0, 500) },
        'a worker refused its batch',
      );
      this.#dispatcher.refused(done.batchId, done.workerId, done.epoch, nowMs);
      this.#settled();
      return;
    }
    const batch = this.#dispatcher.complete(done.batchId, done.workerId, done.epoch, nowMs);
    if (batch === undefined) return;
    const { expectedMs, sentAtMs } = batch;
    const roundTripMs = nowMs - sentAtMs;
    // Nobody ran it for longer than it was away, whatever is said.
    const executorMs = Math.min(done.actuationMs + done.inferenceMs, roundTripMs);
    const sample = { atMs: this.parts.clock.now(), roundTripMs, executorMs, expectedMs };
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

  #heard(workerId: string, epoch: string): void {
    if (this.#silent()) return;
    this.#dispatcher.heard(workerId, epoch, this.#now());
    this.#settled();
  }

  #lost(workerId: string, epoch: string, reason: string): void {
    if (this.#silent()) return;
    this.#complaints.warn('lost', { worker: workerId, reason }, 'a worker is lost; its queries go to others');
    this.parts.tally.workersLost += 1;
    this.parts.tally.forget(workerId);
    this.#dispatcher.lost(workerId, epoch, this.#now());
    this.#settled();
  }
}

function lostTwice(query: HeldQuery): SlacklineError {
  return new SlacklineError('worker_lost', `Query ${query.id} was lost with ${query.deaths} workers`);
}
