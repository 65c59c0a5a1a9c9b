/** The mixed load of a soak: producers that come and go in a few places, and the wire that they all answer to. */
import { connect, type SlacklineClient } from '@slackline/client';
import {
  type Bus,
  connectBus,
  hasCode,
  headerNames,
  type ModelEntry,
  type Outcome,
  outcomes,
  Subjects,
  type Subscription,
} from '@slackline/shared';
import { sleep } from '../sleep.js';
import { type Books, Ledger } from './ledger.js';
import { mixOf } from './mix.js';
import { SoakProducer } from './producer.js';
import { Shelves } from './shelves.js';

export interface SoakLoadOptions {
  natsUrl: string;
  subjectPrefix: string;
  models: readonly ModelEntry[];
  /** Queries a second, all producers together. */
  rate: number;
  /** Producers at a time. */
  producers: number;
  /** Milliseconds on the soak's clock. */
  nowMs: () => number;
  random: () => number;
}

/** How long a producer stays, and how many leave without waiting for their answers. */
const stayMs = { least: 3_000, most: 15_000 };
const rudeShare = 0.25;
/** A polite producer waits so long for its last answers, and then leaves too. */
const politeMs = 5_000;
const retryMs = 200;
/** A broker that is paused must not cost the one that watches the wire its connection: what is said then nobody else hears. */
const patienceMs = 60_000;

export class SoakLoad {
  readonly ledger: Ledger;
  readonly #mix: ReturnType<typeof mixOf>;
  readonly #shelves: Shelves;
  readonly #wires: Subscription[];
  #sends = new AbortController();
  #places: Promise<void>[] = [];
  #came = 0;

  private constructor(
    private readonly options: SoakLoadOptions,
    private readonly reader: SlacklineClient,
    private readonly wire: Bus,
  ) {
    this.ledger = new Ledger(options.nowMs);
    this.#mix = mixOf(options.models, options.random);
    this.#shelves = new Shelves(reader, this.ledger, `soak-${Date.now().toString(36)}`);
    const subjects = new Subjects(options.subjectPrefix);
    const [inboxes = ''] = wire.newInbox().split('.');
    const listen = (subject: string, hear: (id: string, outcome: Outcome) => void) =>
      wire.subscribe(subject, ({ headers }) => {
        const id = headers.get(headerNames.queryId);
        const outcome = headers.get(headerNames.outcome);
        // A stored answer that is read comes to an inbox too, with the broker's word where it was stored.
        const isRead = headers.get('Nats-Stream') !== undefined;
        if (id !== undefined && isOutcome(outcome) && !isRead) hear(id, outcome);
      });
    this.#wires = [
      listen(`${inboxes}.>`, (id, outcome) => this.ledger.published(id, outcome)),
      listen(subjects.allResults, (id, outcome) => this.ledger.shelved(id, outcome)),
      wire.subscribe(subjects.queries('>'), ({ subject, headers }) => {
        const id = headers.get(headerNames.messageId);
        const stored = headers.get(headerNames.replyTo) === undefined;
        const passed = { model: Subjects.lastToken(subject), stored, atMs: options.nowMs() };
        if (id !== undefined) this.ledger.passed(id, passed);
      }),
    ];
  }

  static async open(options: SoakLoadOptions): Promise<SoakLoad> {
    const { natsUrl: url, subjectPrefix: prefix } = options;
    const reader = await connect({ url, prefix, name: 'soak-reader' });
    const wire = await connectBus({ url, name: 'soak-wire', patienceMs, needsJetStream: false });
    return new SoakLoad(options, reader, wire);
  }

  /** Producers that have come so far. */
  get came(): number {
    return this.#came;
  }

  /** Begins to send; `pause` ends it. */
  start(): void {
    this.#sends = new AbortController();
    const { producers } = this.options;
    this.#places = Array.from({ length: producers }, () => this.#occupy(this.#sends.signal));
  }

  /** Sends no more. Resolves when every producer has its answers or has left. */
  async pause(): Promise<void> {
    this.#sends.abort();
    await Promise.all(this.#places);
  }

  /** When nothing is on its way any more: reads what was stored, and gives the books since the last call. */
  async books(): Promise<Books> {
    await this.#shelves.readAll();
    // What was said before this moment has been heard then.
    await this.wire.flush();
    return this.ledger.close();
  }

  async close(): Promise<void> {
    await this.pause();
    await this.#shelves.stop();
    await Promise.all(this.#wires.map((each) => each.drain()));
    await this.wire.close();
    await this.reader.close();
  }

  /** One place: a producer after the other. */
  async #occupy(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const producer = await this.#arrive(signal);
      if (producer === undefined) continue;
      const { random } = this.options;
      await sleep(stayMs.least + random() * (stayMs.most - stayMs.least), signal);
      producer.stop();
      // At the end of the load everybody waits: what is still open then is what the soak is about.
      const isRude = random() < rudeShare && !signal.aborted;
      const leaves = isRude ? producer.leave() : this.#leavePolitely(producer);
      if (signal.aborted) await leaves;
      else this.#places.push(leaves);
    }
  }

  async #leavePolitely(producer: SoakProducer): Promise<void> {
    const untilMs = performance.now() + politeMs;
    while (producer.open > 0 && performance.now() < untilMs) await sleep(50);
    await producer.leave();
  }

  /** Undefined where the broker cannot be reached now. */
  async #arrive(signal: AbortSignal): Promise<SoakProducer | undefined> {
    const { natsUrl, subjectPrefix, rate, producers, random } = this.options;
    const name = `soak-producer-${this.#came++}`;
    const shared = {
      natsUrl,
      subjectPrefix,
      name,
      random,
      mix: this.#mix,
      ledger: this.ledger,
      shelves: this.#shelves,
    };
    try {
      return await SoakProducer.start({ ...shared, rate: rate / producers });
    } catch (error) {
      if (!hasCode(error, 'nats_unreachable')) throw error;
      await sleep(retryMs, signal);
      return undefined;
    }
  }
}

const isOutcome = (text: string | undefined): text is Outcome => outcomes.some((outcome) => outcome === text);
