/**
 * Answers that were said lately. Core NATS gives a message to whoever listens at that moment: a producer whose connection is
 * away misses its answer, and the query is acked. When it is back it asks, and what is remembered here is said once more.
 *
 * They are kept in two generations, so that forgetting costs nothing per answer: when the younger one is old or full it
 * becomes the older one, and the older one is gone. They are looked up only when somebody asks, which is rare: until then
 * keeping one is putting it at the end of a list.
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

/** Longer than it takes to notice that a connection is dead, and to make another one. An answer is kept so long to twice so long. */
const generationMs = 6_000;
/** Of one generation. */
const mostBytes = 32 * 1024 * 1024;
/** What an answer takes beside its body: headers, reply subject, the entry itself. */
const overheadBytes = 1_024;

interface Said {
  replyTo: string;
  queryId: string;
  message: FramedMessage;
}

const keyOf = (replyTo: string, queryId: string) => `${replyTo} ${queryId}`;

class Generation {
  readonly #said: Said[] = [];
  readonly #byKey = new Map<string, FramedMessage>();
  /** So many of the list are in the map. */
  #found = 0;

  get size(): number {
    return this.#said.length;
  }

  add(said: Said): void {
    this.#said.push(said);
  }

  find(key: string): FramedMessage | undefined {
    for (const { replyTo, queryId, message } of this.#said.slice(this.#found)) {
      this.#byKey.set(keyOf(replyTo, queryId), message);
    }
    this.#found = this.#said.length;
    return this.#byKey.get(key);
  }
}

export class SaidAnswers {
  #young = new Generation();
  #old = new Generation();
  #bytes = 0;
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
  note(replyTo: string, queryId: string, { data, headers }: FramedMessage): void {
    // A copy: outputs are a part of what came from the worker in one read, and would keep all of that.
    this.#young.add({ replyTo, queryId, message: { data: new Uint8Array(data), headers } });
    this.#bytes += data.length + overheadBytes;
    if (this.#bytes > mostBytes) this.#age();
    this.#cancelTimer ??= this.clock.after(generationMs, () => this.#grewOld());
  }

  async stop(): Promise<void> {
    this.#cancelTimer?.();
    await this.#subscription?.drain();
  }

  #grewOld(): void {
    this.#cancelTimer = undefined;
    this.#age();
    if (this.#old.size > 0) this.#cancelTimer = this.clock.after(generationMs, () => this.#grewOld());
  }

  #age(): void {
    this.#old = this.#young;
    this.#young = new Generation();
    this.#bytes = 0;
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
