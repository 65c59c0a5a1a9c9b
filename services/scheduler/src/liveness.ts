/**
 * Finds workers that are gone: by silence, by overdue batches, sooner by asking those that hold a batch, and where a silent one is
 * sent a batch, by the broker's word that nobody listens. Those that speak but did not get what they were sent are asked
 * until they answer.
 */

import type { Batch, Dispatcher } from '@slackline/scheduling';
import { type Bus, type Clock, hasCode, type Subjects, type Subscription } from '@slackline/shared';
import type { SchedulerConfig } from './config.js';
import type { HeldQuery } from './held-query.js';

const probeTimeoutMs = 250;
/**
 * A probe that has had no answer for so many rounds does not keep the next from being sent: it may have been delivered to a
 * process that died over it, and only one that comes after its death finds nobody listening.
 */
const patienceRounds = 2;
/** Probes sent per round: at thousands of workers the broker shall carry queries, not probes. */
const probesPerRound = 32;
/** The broker's clock is slewed by less than this in a round. */
const leastStepMs = 100;
/** Of the silence by which a worker is lost: longer than a heartbeat, unless `HEARTBEAT_MS` is set to a quarter of it and more. */
const silentShare = 0.25;
const empty = new Uint8Array(0);

export class Liveness {
  #cancelTimer: () => void = () => {};
  #lastRoundMs = 0;
  #lastBrokerMs = 0;
  #probeFrom = 0;
  #stopped = false;
  /** What the broker says of batches comes here, behind the id of each. */
  readonly #inbox: string;
  #unheard: Subscription | undefined;
  /** When what has a probe under way, a batch or a doubted worker, was asked about last. */
  readonly #askedAtMs = new Map<string, number>();

  constructor(
    private readonly bus: Bus,
    private readonly subjects: Subjects,
    private readonly clock: Clock,
    private readonly config: Pick<SchedulerConfig, 'PROBE_EVERY_MS' | 'WORKER_DEAD_AFTER_MS'>,
    private readonly dispatcher: Pick<Dispatcher<HeldQuery>, 'findLost' | 'inFlight' | 'doubted' | 'shiftTimes'>,
    /** Broker time, which the dispatcher runs in. */
    private readonly now: () => number,
    /** With the batch that never reached it, where that is how it was found out. */
    private readonly onLost: (workerId: string, epoch: string, reason: string, unheard?: string) => void,
    /** A worker that was doubted has answered. */
    private readonly onHeard: (workerId: string, epoch: string) => void,
  ) {
    this.#inbox = bus.newInbox();
  }

  start(): void {
    // The broker's word has no body. Nobody else has a reason to say anything here.
    this.#unheard = this.bus.subscribe(`${this.#inbox}.*`, ({ subject, data }) => {
      if (data.length === 0) this.#onUnheard(subject);
    });
    this.#lastRoundMs = this.clock.now();
    this.#lastBrokerMs = this.now();
    this.#plan();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    await this.#unheard?.drain();
  }

  /**
   * The reply subject for a batch's command, where the broker says that nobody listens for it; undefined: its worker was heard of
   * lately. nats-server 2.9 notes every reply subject that it hands to a client which may only answer (infra/nats), for minutes
   * and one by one: where each command has one, each takes longer than the one before.
   */
  replyOf({ id, silentMs }: Batch<HeldQuery>): string | undefined {
    return silentMs > this.config.WORKER_DEAD_AFTER_MS * silentShare ? `${this.#inbox}.${id}` : undefined;
  }

  #onUnheard(subject: string): void {
    if (this.#stopped) return;
    const batchId = subject.slice(this.#inbox.length + 1);
    const batch = [...this.dispatcher.inFlight()].find(({ id }) => id === batchId);
    if (batch !== undefined) this.onLost(batch.workerId, batch.epoch, 'nobody listened for its batch', batchId);
  }

  #plan(): void {
    this.#cancelTimer = this.clock.after(this.config.PROBE_EVERY_MS, () => {
      this.#round();
      if (!this.#stopped) this.#plan();
    });
  }

  #round(): void {
    const nowMs = this.clock.now();
    const sinceLastMs = nowMs - this.#lastRoundMs;
    this.#lastRoundMs = nowMs;
    this.#followClock(sinceLastMs);
    // We were held up ourselves: what the workers said meanwhile is still to be read. Judge in the next round.
    if (sinceLastMs < this.config.WORKER_DEAD_AFTER_MS / 2) {
      for (const { report } of this.dispatcher.findLost(this.now())) {
        this.onLost(report.workerId, report.epoch, 'silent or overdue');
      }
    }
    const brokerMs = this.now();
    const isDue = ({ id, sentAtMs }: Batch<HeldQuery>) =>
      brokerMs - sentAtMs >= this.config.PROBE_EVERY_MS && !this.#isAsked(id);
    // One question for all that a worker holds: of two batches the later one stands.
    const due = [
      ...new Map([...this.dispatcher.inFlight()].filter(isDue).map((each) => [each.workerId, each])).values(),
    ];
    // Each round begins where the last one ended, so that every worker has its turn.
    const first = due.length === 0 ? 0 : this.#probeFrom % due.length;
    const turn = [...due.slice(first), ...due.slice(0, first)].slice(0, probesPerRound);
    this.#probeFrom = first + turn.length;
    for (const batch of turn) this.#probe(batch.id, batch);
    for (const { workerId, epoch } of this.dispatcher.doubted()) {
      if (this.#isAsked(workerId)) continue;
      this.#probe(workerId, { workerId, epoch }, () => this.onHeard(workerId, epoch));
    }
  }

  /** When the broker's clock is set anew, times that were noted by the old one move along: nobody was silent meanwhile. */
  #followClock(sinceLastMs: number): void {
    const brokerMs = this.now();
    const steppedMs = brokerMs - this.#lastBrokerMs - sinceLastMs;
    this.#lastBrokerMs = brokerMs;
    if (Math.abs(steppedMs) > leastStepMs) this.dispatcher.shiftTimes(steppedMs);
  }

  /** Whether an answer may still be expected. */
  #isAsked(key: string): boolean {
    const askedAtMs = this.#askedAtMs.get(key) ?? Number.NEGATIVE_INFINITY;
    return this.clock.now() - askedAtMs < patienceRounds * this.config.PROBE_EVERY_MS;
  }

  /** @param key of what is asked about, while it is asked */
  #probe(key: string, worker: { workerId: string; epoch: string }, onHeard: () => void = () => {}): void {
    const { workerId, epoch } = worker;
    const askedAtMs = this.clock.now();
    this.#askedAtMs.set(key, askedAtMs);
    const over = () => {
      if (this.#askedAtMs.get(key) === askedAtMs) this.#askedAtMs.delete(key);
    };
    const answered = this.bus.request(this.subjects.ping(workerId), empty, { timeoutMs: probeTimeoutMs });
    answered.then(
      () => {
        over();
        if (!this.#stopped) onHeard();
      },
      (error) => {
        over();
        // A time-out says little on a busy machine; that nobody listens says that the connection is gone.
        if (!this.#stopped && hasCode(error, 'no_responders')) this.onLost(workerId, epoch, 'its connection is gone');
      },
    );
  }
}
