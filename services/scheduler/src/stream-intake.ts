/** One stream's messages as held queries, each taken in once however often it is delivered. */
import { type Complaints, PassingMap, SlacklineError, type StreamMessage } from '@slackline/shared';
import { type HeldQuery, holdQuery } from './held-query.js';

/**
 * Settled queries are remembered, for acks that got lost: their message is delivered again. Each by its sequence at the place
 * that this has in a table, until another one of the same place is settled: so many sequences later.
 */
const rememberedSequences = 131_072;

export interface IntakeEvents {
  onQuery(query: HeldQuery): void;
  /** A message that no ingest can have written was dropped. */
  onUnreadable(): void;
}

export interface QueryStream {
  /** As the broker calls it. */
  readonly name: string;
  /** Whether the bodies of its queries stay in it, and workers fetch them by sequence. */
  readonly isClaims: boolean;
}

export class StreamIntake {
  readonly #held = new PassingMap<number, HeldQuery>();
  readonly #settled = new Float64Array(rememberedSequences);

  /** @param mostBytes of a body that a batch command can carry */
  constructor(
    readonly stream: QueryStream,
    private readonly mostBytes: number,
    private readonly complaints: Complaints,
    private readonly events: IntakeEvents,
  ) {}

  /** How many are held, waiting or in flight. */
  get size(): number {
    return this.#held.size;
  }

  heldQueries(): IterableIterator<HeldQuery> {
    return this.#held.values();
  }

  /** The query has its outcome and is acked. */
  settled({ sequence }: HeldQuery): void {
    this.#held.delete(sequence);
    this.#remember(sequence);
  }

  readonly take = (message: StreamMessage): void => {
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
      const query = this.#read(message);
      this.#held.add(query.sequence, query);
      this.events.onQuery(query);
    } catch (error) {
      // Nobody can be answered, and it would come again for ever.
      if (!(error instanceof SlacklineError)) throw error;
      const { subject, sequence } = message;
      const { name: stream } = this.stream;
      this.complaints.warn(`query ${error.code}`, { code: error.code, subject, stream, sequence }, error.message);
      this.events.onUnreadable();
      this.#remember(sequence);
      message.ack();
    }
  };

  #read(message: StreamMessage): HeldQuery {
    const { data, sequence } = message;
    if (data.length > this.mostBytes) {
      const what = `Message ${sequence} of ${this.stream.name} has ${data.length} bytes, more than a batch can carry`;
      throw new SlacklineError('bad_message', what);
    }
    return holdQuery(message, this.stream.isClaims);
  }

  #remember(sequence: number): void {
    this.#settled[sequence % rememberedSequences] = sequence;
  }

  #isSettled(sequence: number): boolean {
    return this.#settled[sequence % rememberedSequences] === sequence;
  }
}
