/** The stream's messages as held queries, each taken in once however often it is delivered. */
import {
  type Bus,
  type Complaints,
  type ConsumerConfig,
  type Consumption,
  PassingMap,
  SlacklineError,
  type StreamMessage,
  type Subjects,
} from '@slackline/shared';
import type { SchedulerConfig } from './config.js';
import type { WhenCurrent } from './gate.js';
import { type HeldQuery, holdQuery } from './held-query.js';
import { farthestAheadMs } from './lease.js';

/**
 * Settled queries are remembered, for acks that got lost: their message is delivered again. Each by its sequence at the place
 * that this has in a table, until another one of the same place is settled: so many sequences later.
 */
const rememberedSequences = 131_072;
/** Of a term: one consumer that is given queries with their bodies, and one that is given those with large bodies without. */
const consumerOf = (token: number) => `scheduler-${token}`;
const claimsConsumerOf = (token: number) => `${consumerOf(token)}-claims`;
const consumerPattern = /^scheduler-(\d+)(-claims)?$/;

/** Whether a consumer is of a term that may have come after ours. */
const isLater = (other: number, token: number) => other >= token && other <= token + farthestAheadMs;

export class Intake {
  readonly #held = new PassingMap<number, HeldQuery>();
  readonly #settled = new Float64Array(rememberedSequences);
  #consumptions: Consumption[] = [];
  #stopped = false;
  readonly #claims: string;

  constructor(
    private readonly bus: Bus,
    private readonly subjects: Subjects,
    private readonly config: SchedulerConfig,
    private readonly complaints: Complaints,
    private readonly events: {
      onQuery(query: HeldQuery): void;
      /** A message that no ingest can have written was dropped. */
      onUnreadable(): void;
      /** Somebody ended this term's consumer, or the broker lost it: no query comes any more. */
      onConsumerLost(reason: string): void;
      isOver(): boolean;
      whenCurrent: WhenCurrent;
    },
  ) {
    this.#claims = subjects.claims('');
  }

  /** Queries that are held, waiting or in flight. */
  get held(): number {
    return this.#held.size;
  }

  /**
   * Ends the consumers of earlier terms, whoever owns them: their acks do nothing from then on, and everything they held
   * is delivered again at once. Then begins to consume under this term's token. A later term's consumer is left alone.
   */
  async start(token: number): Promise<void> {
    const stream = this.subjects.stores.queries;
    for (const name of await this.bus.consumers(stream)) {
      const [, ofToken] = consumerPattern.exec(name) ?? [];
      if (ofToken === undefined || isLater(Number(ofToken), token)) continue;
      if (this.events.isOver()) return;
      await this.bus.deleteConsumer(stream, name);
    }
    if (this.events.isOver()) return;
    await this.#consume(consumerOf(token), { filter: this.subjects.queries('*') });
    if (this.events.isOver()) return;
    await this.#consume(claimsConsumerOf(token), { filter: this.subjects.claims('*'), headersOnly: true });
  }

  /** What is held, for those who must end it after this has stopped. */
  heldQueries(): HeldQuery[] {
    return [...this.#held.values()];
  }

  /** Takes no more queries in. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#consumptions.map((each) => each.stop()));
  }

  async #consume(name: string, which: Pick<ConsumerConfig, 'filter' | 'headersOnly'>): Promise<void> {
    const consumption = await this.bus.consume(
      {
        stream: this.subjects.stores.queries,
        name,
        ...which,
        ackWaitMs: this.config.ACK_WAIT_MS,
        maxAckPending: this.config.MAX_QUEUED,
        prefetch: this.config.PREFETCH,
        onLost: (reason) => this.events.onConsumerLost(reason),
      },
      (message) => this.events.whenCurrent(this.#take, message),
    );
    this.#consumptions.push(consumption);
    // The term may have ended while the consumer was made.
    if (this.#stopped) await consumption.stop();
  }

  /** The query has its outcome and is acked. */
  settled(query: HeldQuery): void {
    this.#held.delete(query.sequence);
    this.#remember(query.sequence);
  }

  /** Of the second kind an ingest may still have published some, whose limit was another one. */
  #isClaim({ subject, data }: StreamMessage): boolean {
    return subject.startsWith(this.#claims) || data.length > this.config.CLAIM_ABOVE_BYTES;
  }

  #remember(sequence: number): void {
    this.#settled[sequence % rememberedSequences] = sequence;
  }

  #isSettled(sequence: number): boolean {
    return this.#settled[sequence % rememberedSequences] === sequence;
  }

  readonly #take = (message: StreamMessage): void => {
    if (this.#isSettled(message.sequence)) {
      message.ack();
      return;
    }
    const known = this.#held.get(message.sequence);
    if (known !== undefined) {
      // The newest delivery is the one that can be acked.
      known.message = message;
      return;
    }
    try {
      const query = holdQuery(message, this.#isClaim(message));
      this.#held.add(query.sequence, query);
      this.events.onQuery(query);
    } catch (error) {
      // Nobody can be answered, and it would come again for ever.
      if (!(error instanceof SlacklineError)) throw error;
      const { subject, sequence } = message;
      this.complaints.warn(`query ${error.code}`, { code: error.code, subject, sequence }, error.message);
      this.events.onUnreadable();
      this.#remember(sequence);
      message.ack();
    }
  };
}
