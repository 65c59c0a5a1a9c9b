/**
 * Where queries come from: two streams, of bodies that travel with their queries and of large ones that stay where they are.
 * Each has one consumer without a filter (why not two filtered ones of one stream: `ConsumerConfig`), made anew by each term.
 */
import type { Bus, Complaints, Consumption, Subjects } from '@slackline/shared';
import { mostBodyBytes } from './batch-command.js';
import type { SchedulerConfig } from './config.js';
import type { WhenCurrent } from './gate.js';
import type { HeldQuery } from './held-query.js';
import { farthestAheadMs } from './lease.js';
import { type IntakeEvents, type QueryStream, StreamIntake } from './stream-intake.js';

/** Of a term. */
const consumerOf = (token: number) => `scheduler-${token}`;
/** Of an earlier version, which had both kinds in one stream, two. */
const consumerPattern = /^scheduler-(\d+)(-claims)?$/;

/** Whether a consumer is of a term that may have come after ours. */
const isLater = (other: number, token: number) => other >= token && other <= token + farthestAheadMs;

export class Intake {
  readonly #queries: StreamIntake;
  readonly #claims: StreamIntake;
  #consumptions: Consumption[] = [];
  #stopped = false;

  constructor(
    private readonly bus: Bus,
    { stores }: Subjects,
    private readonly config: SchedulerConfig,
    complaints: Complaints,
    private readonly events: IntakeEvents & {
      /** Somebody ended this term's consumer, or the broker lost it: no query comes any more. */
      onConsumerLost(reason: string): void;
      isOver(): boolean;
      whenCurrent: WhenCurrent;
    },
  ) {
    const intakeOf = (stream: QueryStream) =>
      new StreamIntake(stream, mostBodyBytes(bus.maxPayloadBytes), complaints, events);
    this.#queries = intakeOf({ name: stores.queries, isClaims: false });
    this.#claims = intakeOf({ name: stores.claims, isClaims: true });
  }

  /** Queries that are held, waiting or in flight. */
  get held(): number {
    return this.#queries.size + this.#claims.size;
  }

  /**
   * Ends the consumers of earlier terms, whoever owns them: their acks do nothing from then on, and everything they held
   * is delivered again at once. Then begins to consume under this term's token. A later term's consumer is left alone.
   */
  async start(token: number): Promise<void> {
    const intakes = [this.#queries, this.#claims];
    await Promise.all(intakes.map(({ stream }) => this.#endEarlier(stream.name, token)));
    for (const intake of intakes) {
      if (this.events.isOver()) return;
      await this.#consume(intake, token);
    }
  }

  /** What is held of a stream, for those who must end it after this has stopped. */
  heldQueries(stream: string): HeldQuery[] {
    const intake = [this.#queries, this.#claims].find((each) => each.stream.name === stream);
    return [...(intake?.heldQueries() ?? [])];
  }

  /** Takes no more queries in. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#consumptions.map((each) => each.stop()));
  }

  /** The query has its outcome and is acked. */
  settled(query: HeldQuery): void {
    (query.isClaim ? this.#claims : this.#queries).settled(query);
  }

  async #endEarlier(stream: string, token: number): Promise<void> {
    for (const name of await this.bus.consumers(stream)) {
      const [, ofToken] = consumerPattern.exec(name) ?? [];
      if (ofToken === undefined || isLater(Number(ofToken), token)) continue;
      if (this.events.isOver()) return;
      await this.bus.deleteConsumer(stream, name);
    }
  }

  async #consume(intake: StreamIntake, token: number): Promise<void> {
    const { name, isClaims } = intake.stream;
    const consumption = await this.bus.consume(
      {
        stream: name,
        name: consumerOf(token),
        headersOnly: isClaims,
        ackWaitMs: this.config.ACK_WAIT_MS,
        maxAckPending: this.config.MAX_QUEUED,
        prefetch: this.config.PREFETCH,
        onLost: (reason) => this.events.onConsumerLost(reason),
      },
      (message) => this.events.whenCurrent(intake.take, message),
    );
    this.#consumptions.push(consumption);
    // The term may have ended while the consumer was made.
    if (this.#stopped) await consumption.stop();
  }
}
