/**
 * Answers that were said lately. Core NATS gives a message to whoever listens at that moment: a producer whose connection is
 * away misses its answer, and the query is acked. When it is back it asks, and what is remembered here is said once more.
 *
 * They are kept in two generations, so that forgetting costs nothing per answer: when the younger one is old or full it
 * becomes the older one, and the older one is gone.
 */
import {
  type Bus,
  type Clock,
  Complaints,
  type FramedMessage,
  type Log,
  outcomeQuestion,
  SlacklineError,
  type Subjects,
  type Subscription,
  unpack,
} from '@slackline/shared';
import { SaidLog } from './said-log.js';

/** Longer than it takes to notice that a connection is dead, and to make another one. An answer is kept so long to twice so long. */
const generationMs = 6_000;
/** Of one generation. */
const mostBytes = 32 * 1024 * 1024;
const keyOf = (replyTo: string, queryId: string) => `${replyTo} ${queryId}`;

export class SaidAnswers {
  #young = new SaidLog();
  #old = new SaidLog();
  #cancelTimer: (() => void) | undefined;
  #subscription: Subscription | undefined;
  readonly #complaints: Complaints;

  constructor(
    private readonly bus: Pick<Bus, 'publish' | 'subscribe'>,
    private readonly subjects: Subjects,
    private readonly clock: Clock,
    log: Log,
  ) {
    this.#complaints = new Complaints(log, clock);
  }

  /** Answers those who ask, from now on. */
  start(): void {
    this.#subscription = this.bus.subscribe(this.subjects.outcomesAgain, ({ data }) => this.#asked(data));
  }

  /** An answer is published to `replyTo`. */
  note(replyTo: string, queryId: string, message: FramedMessage): void {
    this.#young.add(keyOf(replyTo, queryId), message);
    if (this.#young.bytes > mostBytes) this.#age();
    this.#cancelTimer ??= this.clock.after(generationMs, () => this.#grewOld());
  }

  async stop(): Promise<void> {
    this.#cancelTimer?.();
    await this.#subscription?.drain();
  }

  #grewOld(): void {
    this.#cancelTimer = undefined;
    this.#age();
    if (this.#old.bytes > 0) this.#cancelTimer = this.clock.after(generationMs, () => this.#grewOld());
  }

  #age(): void {
    this.#old = this.#young;
    this.#young = new SaidLog();
  }

  /** No lease is asked for: it was said by a leader, and goes to nobody else than then. */
  #asked(data: Uint8Array): void {
    try {
      const { replyTo, queryId } = unpack('outcomes.again', outcomeQuestion, data);
      const key = keyOf(replyTo, queryId);
      const message = this.#young.find(key) ?? this.#old.find(key);
      if (message !== undefined) this.bus.publish(replyTo, message.data, { headers: message.headers });
    } catch (error) {
      if (!(error instanceof SlacklineError)) throw error;
      this.#complaints.warn('outcomes.again', { code: error.code }, error.message);
    }
  }
}
