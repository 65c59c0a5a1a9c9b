/**
 * Publishes admitted queries to the stream, many at a time, and says what became of each. The rule that shapes it: a publish
 * whose fate is unknown (its PubAck did not come) is repeated under the same id until the broker answers or the deadline
 * has passed, and is never called refused, because the stream may hold it.
 */
import type { Bus, BusStatus, Clock, HeaderValues } from '@slackline/shared';
import { hasCode, SlacklineError } from '@slackline/shared';
import { AckDelay } from './ack-delay.js';

/** A query on its way into the stream. */
export interface OutgoingQuery {
  subject: string;
  id: string;
  body: Uint8Array;
  /** When it must be answered, on the publisher's clock. */
  deadlineMs: number;
  /** Its headers when `budgetMs` of its time remain. */
  headers(budgetMs: number): HeaderValues;
}

/** What became of a publish. `unconfirmed`: nobody knows, so nothing may be said. */
export type PublishResult = { is: 'stored' } | { is: 'unconfirmed' } | { is: 'refused'; error: SlacklineError };

export interface PublisherLimits {
  maxUnanswered: number;
  maxUnansweredBytes: number;
  pubAckTimeoutMs: number;
  /** A repeated publish is stored once only while the broker remembers its id. */
  duplicateWindowMs: number;
}

/** Of a query's time, at most this share is spent on the first PubAck, so that a lost one leaves time to repeat. */
const shareOfBudget = 0.25;
/** Waiting for less would repeat publishes that a busy broker is about to confirm. */
const shortestTimeoutMs = 50;
const longestTimeoutMs = 5_000;
/** With fewer publishes in flight nothing is refused for the broker's delay. */
const telling = 64;
/** Repeating ends this long before the broker forgets the id. */
const windowMarginMs = 2_000;

export class Publisher {
  readonly #inFlight = new Set<string>();
  readonly #delay: AckDelay;
  #bytes = 0;
  #retried = 0;
  #connected = true;
  #idle: (() => void)[] = [];
  #reconnected: (() => void)[] = [];
  #hearing: Promise<void> | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly limits: PublisherLimits,
  ) {
    this.#delay = new AckDelay(clock);
    bus.onStatus((status) => this.#onStatus(status));
  }

  /** Publishes that wait for their PubAck. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** How long a publish takes now until it is confirmed; 0 while none is in flight. */
  get delayMs(): number {
    return this.#inFlight.size === 0 ? 0 : this.#delay.nowMs();
  }

  /** Publishes that were repeated. */
  get retried(): number {
    return this.#retried;
  }

  /** Why a query of this id, with so many bytes and so much time, cannot be published now; undefined when it can. */
  refusal(id: string, bytes: number, budgetMs: number): SlacklineError | undefined {
    // The client would keep it in its buffer, and nobody could say what becomes of it.
    if (!this.#connected) return away;
    const { maxUnanswered, maxUnansweredBytes } = this.limits;
    const waiting = this.#inFlight.size;
    if (waiting >= maxUnanswered || this.#bytes + bytes > maxUnansweredBytes) return tooMany;
    // A few in flight say nothing about load, and they keep the measurement alive.
    if (waiting >= telling && this.#delay.nowMs() > budgetMs) return tooSlow;
    return this.#inFlight.has(id) ? duplicate(id) : undefined;
  }

  /** Publishes a query that `refusal` had nothing against, and tells what became of it. Never rejects. */
  async publish(query: OutgoingQuery): Promise<PublishResult> {
    if (this.#inFlight.size === 0) this.#delay.resume();
    this.#inFlight.add(query.id);
    this.#bytes += query.body.length;
    try {
      return await this.#untilAnswered(query);
    } finally {
      this.#inFlight.delete(query.id);
      this.#bytes -= query.body.length;
      if (this.#inFlight.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  /** Resolves when no publish is in flight, or after `limitMs`: what is unconfirmed then stays so. */
  async idle(limitMs: number): Promise<void> {
    if (this.#inFlight.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.clock.after(limitMs, resolve);
      this.#idle.push(() => {
        cancel();
        resolve();
      });
    });
  }

  async #untilAnswered(query: OutgoingQuery): Promise<PublishResult> {
    const { limits } = this;
    const giveUpAtMs = Math.min(query.deadlineMs, this.clock.now() + limits.duplicateWindowMs - windowMarginMs);
    for (let attempt = 0; ; attempt++) {
      const sentAtMs = this.clock.now();
      const budgetMs = query.deadlineMs - sentAtMs;
      if (attempt > 0) {
        if (sentAtMs >= giveUpAtMs) return { is: 'unconfirmed' };
        this.#retried++;
      }
      const timeoutMs = this.#timeoutMs(attempt, budgetMs);
      try {
        const ack = await this.bus.publishToStream(query.subject, query.body, {
          id: query.id,
          timeoutMs,
          headers: query.headers(budgetMs),
        });
        if (attempt === 0) this.#delay.answered(sentAtMs);
        // After a lost PubAck the broker's "duplicate" is our own first publish.
        return ack.duplicate && attempt === 0 ? { is: 'refused', error: duplicate(query.id) } : { is: 'stored' };
      } catch (error) {
        if (hasCode(error, 'timeout')) this.#delay.missed(timeoutMs);
        const unknown = attempt > 0 || hasCode(error, 'timeout');
        if (!unknown) return { is: 'refused', error: refusalOf(error) };
        if (!hasCode(error, 'timeout')) await this.#pause(Math.min(timeoutMs, giveUpAtMs - this.clock.now()));
        // Repeats would pile up behind a broker that is connected and stands still, and go out long after it forgot the id.
        if (this.#connected && hasCode(error, 'timeout')) await this.#heard(giveUpAtMs - this.clock.now());
        // So they would in the client's buffer; the connection may also have broken while the broker was waited for.
        if (!this.#connected) await this.#connectedAgain(giveUpAtMs - this.clock.now());
      }
    }
  }

  /**
   * Doubled with each attempt and never near the delay that is normal now: repeats must not make a busy broker busier.
   * When no time would be left to repeat, there is nothing to hurry for.
   */
  #timeoutMs(attempt: number, budgetMs: number): number {
    const most = this.limits.pubAckTimeoutMs;
    const share = Math.max(shortestTimeoutMs, budgetMs * shareOfBudget);
    const first = share < budgetMs ? Math.min(most, share) : most;
    return Math.min(longestTimeoutMs, Math.max(first * 2 ** attempt, this.#delay.smoothedMs * 4));
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.after(Math.max(0, delayMs), resolve);
    });
  }

  /** Resolves when the bus is connected again, or after `limitMs`. */
  async #connectedAgain(limitMs: number): Promise<void> {
    let cancel: () => void = () => {};
    await new Promise<void>((resolve) => {
      this.#reconnected.push(resolve);
      cancel = this.clock.after(Math.max(0, limitMs), resolve);
    });
    cancel();
  }

  /** Resolves when the broker has taken what was sent until now, or is gone, or after `limitMs`. */
  async #heard(limitMs: number): Promise<void> {
    this.#hearing ??= this.bus
      .flush()
      .catch(() => undefined)
      .then(() => {
        this.#hearing = undefined;
      });
    let cancel: () => void = () => {};
    const tooLate = new Promise<void>((resolve) => {
      cancel = this.clock.after(Math.max(0, limitMs), resolve);
    });
    await Promise.race([this.#hearing, tooLate]);
    cancel();
  }

  #onStatus(status: BusStatus): void {
    this.#connected = status === 'reconnected';
    if (this.#connected) for (const resolve of this.#reconnected.splice(0)) resolve();
  }
}

// Made once: taking a stack trace for each of many refusals would cost more than the refusals.
const tooMany = new SlacklineError('overloaded', 'As many queries as are allowed wait for the broker already');
const away = new SlacklineError('unavailable', 'The broker is away');
const tooSlow = new SlacklineError('overloaded', 'The broker takes longer now than the query has time');

function duplicate(id: string): SlacklineError {
  return new SlacklineError('duplicate_query', `The query id ${id} was used before`);
}

/** A broker's refusal as the producer is told: the stream did not take the query. */
function refusalOf(error: unknown): SlacklineError {
  if (hasCode(error, 'stream_full')) {
    return new SlacklineError('overloaded', 'The queue of accepted queries is full', { cause: error });
  }
  return new SlacklineError('unavailable', 'The stream did not take the query', { cause: error });
}
