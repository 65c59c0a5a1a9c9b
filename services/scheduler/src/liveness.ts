/** Finds workers that are gone: by silence, by overdue batches, and soonest by asking those that hold a batch. */

import type { Batch, Dispatcher } from '@slackline/scheduling';
import { type Bus, type Clock, hasCode, type Subjects } from '@slackline/shared';
import type { SchedulerConfig } from './config.js';
import type { HeldQuery } from './held-query.js';

const probeTimeoutMs = 250;
/** Probes sent per round: at thousands of workers the broker shall carry queries, not probes. */
const probesPerRound = 32;
/** The broker's clock is slewed by less than this in a round. */
const leastStepMs = 100;
const empty = new Uint8Array(0);

export class Liveness {
  #cancelTimer: () => void = () => {};
  #lastRoundMs = 0;
  #lastBrokerMs = 0;
  #probeFrom = 0;
  #stopped = false;
  /** Batches with a probe under way. */
  readonly #probing = new Set<string>();

  constructor(
    private readonly bus: Bus,
    private readonly subjects: Subjects,
    private readonly clock: Clock,
    private readonly config: SchedulerConfig,
    private readonly dispatcher: Dispatcher<HeldQuery>,
    /** Broker time, which the dispatcher runs in. */
    private readonly now: () => number,
    private readonly onLost: (workerId: string, epoch: string, reason: string) => void,
  ) {}

  start(): void {
    this.#lastRoundMs = this.clock.now();
    this.#lastBrokerMs = this.now();
    this.#plan();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer();
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
      brokerMs - sentAtMs >= this.config.PROBE_EVERY_MS && !this.#probing.has(id);
    const due = [...this.dispatcher.inFlight()].filter(isDue);
    // Each round begins where the last one ended, so that every worker has its turn.
    const first = due.length === 0 ? 0 : this.#probeFrom % due.length;
    const turn = [...due.slice(first), ...due.slice(0, first)].slice(0, probesPerRound);
    this.#probeFrom = first + turn.length;
    for (const batch of turn) this.#probe(batch);
  }

  /** When the broker's clock is set anew, times that were noted by the old one move along: nobody was silent meanwhile. */
  #followClock(sinceLastMs: number): void {
    const brokerMs = this.now();
    const steppedMs = brokerMs - this.#lastBrokerMs - sinceLastMs;
    this.#lastBrokerMs = brokerMs;
    if (Math.abs(steppedMs) > leastStepMs) this.dispatcher.shiftTimes(steppedMs);
  }

  #probe({ id, workerId, epoch }: Batch<HeldQuery>): void {
    this.#probing.add(id);
    const done = () => this.#probing.delete(id);
    this.bus.request(this.subjects.ping(workerId), empty, { timeoutMs: probeTimeoutMs }).then(done, (error) => {
      done();
      // A time-out says little on a busy machine; that nobody listens says that the connection is gone.
      if (!this.#stopped && hasCode(error, 'no_responders')) this.onLost(workerId, epoch, 'its connection is gone');
    });
  }
}
