/**
 * Publishes admitted queries to the stream, many at a time, and says what became of each. The rule that shapes it: a publish
 * whose fate is unknown (its PubAck did not come) is repeated under the same id until the broker answers or the deadline
 * has passed, and is never called refused, because the stream may hold it.
 *
 * Each is an object in two tables, by its id and by the token of its last attempt, and in one wheel of deadlines: thousands a
 * second pass through without a promise, a closure or a timer of their own.
 */
import type { Bus, BusStatus, Clock, HeaderLines, StreamPublisher, StreamWord } from '@slackline/shared';
import { headerNames, PassingMap, SlacklineError } from '@slackline/shared';
import { AckDelay } from './ack-delay.js';
import { DeadlineWheel, outside, type Timed } from './deadline-wheel.js';
import {
  away,
  duplicate,
  type PublishResult,
  refusalOf,
  stored,
  tooMany,
  tooSlow,
  unconfirmed,
} from './publish-result.js';

/** A query on its way into the stream. */
export interface OutgoingQuery {
  subject: string;
  /** The stream stores one message of this id. */
  messageId: string;
  body: Uint8Array;
  /** When it must be answered, on the publisher's clock. */
  deadlineMs: number;
  /** All but the time that remains, which each attempt stamps. */
  headers: HeaderLines;
}

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

/** A publish in flight, from the first attempt to its result. */
interface Pending<Q> extends Timed {
  readonly query: Q;
  /** No attempt begins later. */
  readonly giveUpAtMs: number;
  attempt: number;
  sentAtMs: number;
  timeoutMs: number;
  /** Of the last attempt: what the broker says of earlier ones is not heard. */
  token: number;
  waitsFor: 'word' | 'pause' | 'broker' | 'connection';
}

export class Publisher<Q extends OutgoingQuery> {
  readonly #inFlight = new PassingMap<string, Pending<Q>>();
  readonly #asked = new PassingMap<number, Pending<Q>>();
  readonly #wheel: DeadlineWheel<Pending<Q>>;
  readonly #stream: StreamPublisher;
  readonly #delay = new AckDelay();
  #tokens = 0;
  #bytes = 0;
  #retried = 0;
  #connected = true;
  #isBrokerAsked = false;
  /** Subjects that the broker has taken a message on: two for each model. */
  readonly #confirmed = new Set<string>();
  #idle: (() => void)[] = [];

  /** @param onResult told what became of each query, once; must not throw */
  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly limits: PublisherLimits,
    private readonly onResult: (query: Q, result: PublishResult) => void,
  ) {
    this.#wheel = new DeadlineWheel(clock, (pending) => this.#timeIsUp(pending));
    this.#stream = bus.streamPublisher({
      said: (token, word) => this.#heard(token, word),
      denied: (subject, error) => this.#denied(subject, error),
    });
    bus.onStatus((status) => this.#onStatus(status));
  }

  /** Publishes whose fate is open. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** How long a publish takes now until it is confirmed; 0 while none is in flight. */
  get delayMs(): number {
    return this.#inFlight.size === 0 ? 0 : this.#delay.expectedMs(this.clock.now());
  }

  /** Publishes that were repeated. */
  get retried(): number {
    return this.#retried;
  }

  /** Why a query of this id and so many bytes, due at `deadlineMs`, cannot be published now; undefined when it can. */
  refusal(messageId: string, bytes: number, deadlineMs: number, nowMs: number): SlacklineError | undefined {
    // The client would keep it in its buffer, and nobody could say what becomes of it.
    if (!this.#connected) return away;
    const { maxUnanswered, maxUnansweredBytes } = this.limits;
    const waiting = this.#inFlight.size;
    if (waiting >= maxUnanswered || this.#bytes + bytes > maxUnansweredBytes) return tooMany;
    // A few in flight say nothing about load, and they keep the measurement alive.
    if (waiting >= telling && this.#delay.expectedMs(nowMs) > deadlineMs - nowMs) return tooSlow;
    return this.#inFlight.has(messageId) ? duplicate : undefined;
  }

  /** Publishes a query that `refusal` had nothing against. */
  publish(query: Q, nowMs: number): void {
    if (this.#inFlight.size === 0) this.#delay.resume(nowMs);
    const pending: Pending<Q> = {
      query,
      giveUpAtMs: Math.min(query.deadlineMs, nowMs + this.limits.duplicateWindowMs - windowMarginMs),
      attempt: 0,
      sentAtMs: nowMs,
      timeoutMs: 0,
      token: 0,
      waitsFor: 'word',
      tick: outside,
      place: 0,
    };
    this.#inFlight.add(query.messageId, pending);
    this.#bytes += query.body.length;
    this.#send(pending, nowMs);
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

  /** Lets go of timers and subscriptions; what is in flight then has no result any more. */
  async close(): Promise<void> {
    await this.#stream.close();
    this.#wheel.clear();
    this.#inFlight.clear();
  }

  #send(pending: Pending<Q>, nowMs: number): void {
    const { query, attempt } = pending;
    const budgetMs = query.deadlineMs - nowMs;
    pending.sentAtMs = nowMs;
    pending.timeoutMs = this.#timeoutMs(attempt, budgetMs);
    pending.token = this.#tokens++;
    this.#asked.add(pending.token, pending);
    this.#wait(pending, 'word', nowMs + pending.timeoutMs);
    try {
      this.#stream.send(query.subject, query.body, {
        id: query.messageId,
        token: pending.token,
        headers: query.headers.and(headerNames.budgetMs, Math.max(0, budgetMs).toFixed(3)),
      });
    } catch (error) {
      this.#failed(pending, error);
    }
  }

  /** The broker has spoken of an attempt. */
  #heard(token: number, word: StreamWord): void {
    const pending = this.#asked.get(token);
    // It came after its time: by now the query was sent again, or given up.
    if (pending === undefined) return;
    if (word instanceof SlacklineError) {
      this.#failed(pending, word);
      return;
    }
    this.#confirmed.add(pending.query.subject);
    const isFirst = pending.attempt === 0;
    if (isFirst) this.#delay.answered(pending.sentAtMs, this.clock.now());
    // After a lost PubAck the broker's "duplicate" is our own first publish.
    const isTwin = word.duplicate && isFirst;
    this.#end(pending, isTwin ? { is: 'refused', error: duplicate } : stored);
  }

  /**
   * We may not publish there: of what was sent nothing more is said. Where we could before, some of what is in flight may be
   * stored, and which was denied nobody can tell: then it is left to its time.
   */
  #denied(subject: string, error: SlacklineError): void {
    if (this.#confirmed.has(subject)) return;
    for (const pending of this.#inFlight.values()) {
      if (pending.query.subject === subject && pending.waitsFor === 'word') this.#failed(pending, error);
    }
  }

  /** The broker refused an attempt, or it could not be sent. */
  #failed(pending: Pending<Q>, error: unknown): void {
    if (pending.attempt === 0) this.#end(pending, { is: 'refused', error: refusalOf(error) });
    else {
      const nowMs = this.clock.now();
      this.#wait(pending, 'pause', Math.min(nowMs + pending.timeoutMs, pending.giveUpAtMs));
    }
  }

  /** What a publish waited for has not come, or its pause is over. */
  #timeIsUp(pending: Pending<Q>): void {
    const { waitsFor } = pending;
    if (waitsFor === 'word') {
      this.#delay.missed(pending.timeoutMs);
      if (this.#connected) this.#whenHeard(pending);
      else this.#whenConnected(pending);
    } else if (waitsFor === 'pause') this.#whenConnected(pending);
    else this.#end(pending, unconfirmed);
  }

  /**
   * Sends again when the broker has taken what was sent until now, or is gone: repeats would pile up behind one that is
   * connected and stands still, and go out long after it forgot the id.
   */
  #whenHeard(pending: Pending<Q>): void {
    this.#wait(pending, 'broker', pending.giveUpAtMs);
    if (this.#isBrokerAsked) return;
    this.#isBrokerAsked = true;
    const goOn = () => {
      this.#isBrokerAsked = false;
      for (const each of this.#inFlight.values()) if (each.waitsFor === 'broker') this.#whenConnected(each);
    };
    this.bus.flush().then(goOn, goOn);
  }

  /** Sends again once there is a connection: into the client's buffer they would only pile up. */
  #whenConnected(pending: Pending<Q>): void {
    if (this.#connected) this.#sendAgain(pending);
    else this.#wait(pending, 'connection', pending.giveUpAtMs);
  }

  #sendAgain(pending: Pending<Q>): void {
    const nowMs = this.clock.now();
    if (nowMs >= pending.giveUpAtMs) {
      this.#end(pending, unconfirmed);
      return;
    }
    this.#retried++;
    pending.attempt++;
    this.#send(pending, nowMs);
  }

  #wait(pending: Pending<Q>, waitsFor: Pending<Q>['waitsFor'], untilMs: number): void {
    if (waitsFor !== 'word') this.#asked.delete(pending.token);
    pending.waitsFor = waitsFor;
    this.#wheel.delete(pending);
    this.#wheel.add(pending, untilMs);
  }

  #end(pending: Pending<Q>, result: PublishResult): void {
    const { query } = pending;
    this.#wheel.delete(pending);
    this.#asked.delete(pending.token);
    this.#inFlight.delete(query.messageId);
    this.#bytes -= query.body.length;
    this.onResult(query, result);
    if (this.#inFlight.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
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

  #onStatus(status: BusStatus): void {
    this.#connected = status === 'reconnected';
    if (!this.#connected) return;
    for (const pending of this.#inFlight.values()) if (pending.waitsFor === 'connection') this.#sendAgain(pending);
  }
}
