/**
 * One term of leadership: everything between taking the lease and losing it. The stream's queries go into the dispatcher,
 * its batches to workers, their ends into outcomes. When the term is over nothing is sent or answered any more; what was
 * held is un-acked, so the stream delivers it to the next leader.
 */

import { type Batch, ConditionsEstimate, createPolicy, Dispatcher, type LatencyTable } from '@slackline/scheduling';
import {
  type BrokerTime,
  type Bus,
  type Clock,
  Complaints,
  type Log,
  pack,
  packBatchCommand,
  SlacklineError,
  type Subjects,
} from '@slackline/shared';
import { SolverThread } from '@slackline/solver';
import { BacklogVoice } from './backlog-voice.js';
import { batchLimits, commandOf } from './batch-command.js';
import type { SchedulerConfig } from './config.js';
import { Gate, type WhenCurrent } from './gate.js';
import { type HeldQuery, lostTwice } from './held-query.js';
import { Intake } from './intake.js';
import { Liveness } from './liveness.js';
import { tellLost } from './lost-stream.js';
import { Outcomes } from './outcomes.js';
import { type Planning, planningOf } from './planning.js';
import { ReadMark } from './read-mark.js';
import type { SaidAnswers } from './said.js';
import type { Tally } from './tally.js';
import { WakeUps } from './wake-ups.js';
import { WorkerWords } from './worker-words.js';

/** How long a standby may be kept waiting for answers to be stored. */
const mostStoringMs = 250;

export interface TermParts {
  bus: Bus;
  subjects: Subjects;
  clock: Clock;
  brokerTime: BrokerTime;
  log: Log;
  config: SchedulerConfig;
  tally: Tally;
  /** Outlives the term: whoever missed an answer may ask later. */
  said: SaidAnswers;
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
  readonly #workerWords: WorkerWords;
  readonly #liveness: Liveness;
  readonly #readMark: ReadMark;
  readonly #backlogVoice: BacklogVoice;
  readonly #conditions: ConditionsEstimate;
  readonly #wakeUps: WakeUps;
  readonly #planning: Planning | undefined;
  #over = false;
  #onIdle: (() => void) | undefined;

  constructor(
    readonly token: number,
    private readonly parts: TermParts,
  ) {
    const { bus, subjects, clock, log, config } = parts;
    this.#gate = new Gate(() => !this.#silent());
    const whenCurrent: WhenCurrent = (act, given) => this.#gate.pass(act, given);
    this.#conditions = new ConditionsEstimate(config.OVERHEAD_MS);
    this.#wakeUps = new WakeUps(
      clock,
      () => this.#now(),
      () => this.#run(),
    );
    const complaints = new Complaints(log, clock);
    this.#intake = new Intake(bus, subjects, config, complaints, {
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
      whenCurrent,
    });
    this.#outcomes = new Outcomes(bus, subjects, clock, log, parts.said, whenCurrent, (query, outcome) => {
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
    this.#workerWords = new WorkerWords({
      ...{ bus, subjects, clock, complaints, token, tally: parts.tally, gate: this.#gate },
      ...{ dispatcher: this.#dispatcher, conditions: this.#conditions, outcomes: this.#outcomes },
      sendsAhead: config.SEND_AHEAD === 'true',
      now: () => this.#now(),
      isSilent: () => this.#silent(),
      onMeasured: () => this.refreshConditions(),
      onSettled: () => this.#settled(),
    });
    this.#liveness = new Liveness(
      bus,
      subjects,
      clock,
      config,
      this.#dispatcher,
      () => this.#now(),
      (workerId, epoch, reason, unheard) => this.#workerWords.lost(workerId, epoch, reason, unheard),
      (workerId, epoch) => this.#workerWords.answered(workerId, epoch),
    );
    this.#readMark = new ReadMark({
      ...{ bus, clock, everyMs: config.PROBE_EVERY_MS },
      now: () => this.#now(),
      inTurn: whenCurrent,
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
    this.#workerWords.start();
    this.#readMark.start();
    this.#liveness.start();
    this.#backlogVoice.start();
    this.#planning?.start();
    // Who waited for heartbeats would serve a tenth of a second later; and earlier leaders are refused from here on.
    this.#gate.pass((token) => bus.publish(subjects.rollCall, pack({ v: 1, token })), this.token);
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
    if (this.parts.removed.size === 0 || this.#silent()) return;
    for (const model of this.#dispatcher.waitingModels()) {
      if (!this.parts.removed.has(model)) continue;
      for (const query of this.#dispatcher.withdraw(model)) {
        const what = `Query ${query.id} was waiting for the model ${model}`;
        this.#outcomes.fail(query, new SlacklineError('model_removed', what));
      }
    }
  }

  /**
   * Takes no more queries in and waits for the batches that are out, and until their answers are stored, at most `limitMs`; those that
   * wait go out, or stay.
   */
  async drain(limitMs: number, { sendsOn }: { sendsOn: boolean }): Promise<void> {
    if (!sendsOn) this.#dispatcher.hold();
    const untilMs = this.parts.clock.now() + limitMs;
    await this.#intake.stop();
    await this.#until(untilMs, (resolve) => {
      this.#onIdle = resolve;
      this.#tellIdle();
    });
    this.#dispatcher.hold();
    await this.#sayAll();
    // A standby leads only when this one ends: what is not stored in a moment it does again.
    const storedUntilMs = sendsOn ? untilMs : Math.min(untilMs, this.parts.clock.now() + mostStoringMs);
    await this.#until(storedUntilMs, (resolve) => this.#outcomes.onceStored(resolve));
    await this.#sayAll();
  }

  /** What waits to be told, and the answers to what came back last, are said at the end of this turn. */
  #sayAll(): Promise<void> {
    this.#outcomes.flush();
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** @param once is given what to call when that for which is waited has come */
  #until(untilMs: number, once: (resolve: () => void) => void): Promise<void> {
    const { clock } = this.parts;
    return new Promise((resolve) => {
      const cancel = clock.after(Math.max(0, untilMs - clock.now()), resolve);
      once(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Ends the term. From the first moment on nothing is sent or answered. */
  async stop(): Promise<void> {
    this.#over = true;
    // Nothing more comes back to it: who drains it waits no longer.
    this.#onIdle?.();
    this.#gate.close();
    this.#wakeUps.stop();
    const liveness = this.#liveness.stop();
    this.#backlogVoice.stop();
    this.#outcomes.stop();
    await Promise.all([
      liveness,
      this.#planning?.stop(),
      this.#intake.stop(),
      this.#readMark.stop(),
      this.#workerWords.stop(),
    ]);
  }

  /** Ends what was held of a stream when the broker lost it: for a term that is over. Returns how many producers were told. */
  tellLost(stream: string): number {
    return tellLost(this.#intake.heldQueries(stream), this.parts);
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
    // It mostly runs after all that was read in this turn: what is written waits a whole further turn otherwise.
    this.parts.bus.sendNow();
    this.#planWake();
  }

  #planWake(): void {
    this.#wakeUps.at(this.#dispatcher.nextWakeMs());
  }

  #send(batch: Batch<HeldQuery>): void {
    const { bus, subjects } = this.parts;
    const reply = this.#liveness.replyOf(batch);
    const command = packBatchCommand(commandOf(batch, this.token));
    bus.publish(subjects.batch(batch.workerId), command, reply === undefined ? {} : { reply });
  }

  /** Something has changed of what is out, or of who can take it. */
  #settled(): void {
    // A worker that has let a removed model go refuses its batch, whose queries then wait again.
    this.failRemoved();
    this.#planWake();
    this.#tellIdle();
  }

  #tellIdle(): void {
    if (this.inFlight === 0) this.#onIdle?.();
  }
}
