/** A producer's connection: queries out, answers in. */
import {
  type Bus,
  type BusMessage,
  type Clock,
  connectBus,
  contentTypes,
  type Denial,
  decodeOutputs,
  headerNames,
  type ModelEntry,
  parseAnswer,
  SlacklineError,
  Subjects,
  type Subscription,
  systemClock,
} from '@slackline/shared';
import type { Answer, RawAnswer } from './answer.js';
import { Asking } from './asking.js';
import { followCatalog } from './catalog.js';
import { type Input, toBody } from './input.js';
import { linkedSignal } from './linked-signal.js';
import type { ClientCounts, ClientOptions, ConnectOptions, PublishOptions, QueryOptions } from './options.js';
import { Outbox } from './outbox.js';
import { Outstanding, type Waiting } from './outstanding.js';
import { QueryLines } from './query-lines.js';
import { QueryNames } from './query-names.js';
import { type ResultOptions, readResults } from './results.js';
import { checked, isNobody, nobodyListens, notPermitted, timed } from './wire.js';

/** How long an answer is waited for when nothing says how long the query may take. */
const unknownLimitMs = 60_000;
const defaultGraceMs = 1_000;
/** What the headers of a query may take of the broker's max_payload. */
const headerRoomBytes = 1_024;

type OnAnswer = (answer: RawAnswer, number: number) => void;

/** A query that waits, who is told of its end, and by which number. */
interface Asked extends Waiting {
  onAnswer: OnAnswer;
  number: number;
}

/** Connects to Slackline. Throws `nats_unreachable`, `nats_unauthorized` or `nats_untrusted`, and `invalid_config`. */
export async function connect(options: ConnectOptions = {}): Promise<SlacklineClient> {
  let client: SlacklineClient | undefined;
  const bus = await connectBus({
    url: options.url ?? 'nats://127.0.0.1:4222',
    name: options.name ?? 'producer',
    ...(options.access !== undefined && { access: options.access }),
    needsJetStream: false,
    onDenied: (denial) => client?.denied(denial),
  });
  client = new SlacklineClient(bus, options);
  return client;
}

export class SlacklineClient {
  readonly #subjects: Subjects;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #names: QueryNames;
  readonly #inboxSubscription: Subscription;
  readonly #outstanding: Outstanding<Asked>;
  readonly #outbox: Outbox;
  readonly #asking: Asking<Asked>;
  readonly #lines = new QueryLines();
  readonly #models = new Map<string, ModelEntry>();
  #catalog: Promise<Subscription> | undefined;
  readonly #closing = new AbortController();
  #unreadable = 0;

  /** @param bus closed by `close` */
  constructor(
    private readonly bus: Bus,
    private readonly options: ClientOptions = {},
  ) {
    this.#subjects = new Subjects(options.prefix);
    this.#clock = options.clock ?? systemClock;
    this.#graceMs = options.graceMs ?? defaultGraceMs;
    this.#outbox = new Outbox(bus, this.#clock);
    this.#names = new QueryNames(this.#subjects, bus.newInbox());
    this.#outstanding = new Outstanding(this.#clock, (waiting) => this.#unanswered(waiting));
    this.#asking = new Asking(bus, this.#clock, this.#outstanding, (token, waiting) => this.#askAgain(token, waiting));
    if (options.onStatus !== undefined) bus.onStatus(options.onStatus);
    this.#inboxSubscription = bus.subscribe(this.#names.answers, (message) => this.#take(message));
  }

  /** Queries that wait for an answer. */
  get outstanding(): number {
    return this.#outstanding.size;
  }

  get counts(): ClientCounts {
    return {
      duplicates: this.#outstanding.duplicates,
      tooLate: this.#outstanding.tooLate,
      unreadable: this.#unreadable,
    };
  }

  /**
   * Asks for one inference. Resolves with whatever became of the query, refusals included. Raw outputs are cut as the
   * model's catalog entry says; where the catalog cannot be read, `outputs` is empty and `body` has the bytes.
   * Rejects for wrong use (`wrong_header`, `unsupported_content_type`, `oversized_body`), as `send` throws, and with `malformed_body` when an
   * answer's body is not what its headers or the catalog say.
   */
  async infer(model: string, input: Input, options: QueryOptions = {}): Promise<Answer> {
    const { body, contentType } = toBody(input, options.contentType);
    const answered = new Promise<RawAnswer>((resolve) => {
      this.send(model, body, { ...options, contentType }, resolve);
    });
    // While the query is on its way: the first one only has to wait for the catalog.
    const catalog = contentType === contentTypes.bytes ? this.#followCatalog().catch(() => undefined) : undefined;
    const [answer] = await Promise.all([answered, catalog]);
    return this.#withOutputs(model, answer);
  }

  /**
   * The form for load generators: no promise, no look into the body. `onAnswer` is called exactly once and must not throw;
   * with `number`, one function can serve many queries. Returns the query's id. A query that is sent while the connection is
   * away leaves with what is left of its limit once it is back. Throws `wrong_header` or `oversized_body`, and `unavailable`
   * when too much waits for the connection.
   *
   * @param number the caller's own, told to `onAnswer`
   */
  send(model: string, body: Uint8Array, options: QueryOptions, onAnswer: OnAnswer, number = 0): string {
    const subject = this.#names.subject(model);
    const queryId = this.#names.id(options.queryId);
    const headers = this.#lines.of(options).and(headerNames.queryId, queryId);
    this.#checkSize(body);
    const waiting = { queryId, subject, sentAtMs: this.#clock.now(), isCutOff: false, onAnswer, number };
    const token = this.#outstanding.add(waiting, options.timeoutMs ?? this.#limitMs(model, options) + this.#graceMs);
    try {
      this.#outbox.send({ subject, body, headers, reply: this.#names.reply(token), sloMs: options.sloMs });
    } catch (error) {
      this.#outstanding.remove(token);
      throw error;
    }
    return queryId;
  }

  /** Sends a query whose answer is stored under `resultKey`; see `results`. Returns the query's id. Refusals are not told. */
  publish(model: string, input: Input, options: PublishOptions = {}): string {
    const { body, contentType } = toBody(input, options.contentType);
    const subject = this.#names.subject(model);
    const queryId = this.#names.id(options.queryId);
    const { resultKey, sloMs } = options;
    let headers = this.#lines.of({ ...options, contentType }).and(headerNames.queryId, queryId);
    if (resultKey !== undefined) headers = headers.and(headerNames.resultKey, checked('result key', resultKey));
    this.#checkSize(body);
    this.#outbox.send({ subject, body, headers, reply: undefined, sloMs });
    return queryId;
  }

  /**
   * The stored answers of `key`, oldest first, then new ones as they come; each query once. Ends with `waitMs` without a new
   * one, with `signal`, or with `close`. Their `roundTripMs` is 0: nobody timed them.
   */
  async *results(model: string, key: string, options: ResultOptions = {}): AsyncGenerator<Answer> {
    const subject = this.#subjects.results(checked('model', model), checked('result key', key));
    const stored = this.#subjects.results(model, key, this.options.tenant);
    await this.#followCatalog();
    const signals = [this.#closing.signal, ...(options.signal === undefined ? [] : [options.signal])];
    const { signal, unlink } = linkedSignal(signals);
    const place = { subject, stored, stream: this.#subjects.stores.results };
    try {
      for await (const message of readResults(this.bus, place, { ...options, signal })) {
        const parsed = this.#parse(message);
        if (parsed !== undefined) {
          yield this.#withOutputs(model, { ...parsed, queryId: parsed.queryId ?? '', roundTripMs: 0 });
        }
      }
    } finally {
      unlink();
    }
  }

  /** The models that are served now. */
  async models(): Promise<ModelEntry[]> {
    await this.#followCatalog();
    return [...this.#models.values()];
  }

  /** Resolves when the broker has taken every query sent before. */
  flush(): Promise<void> {
    return this.bus.flush();
  }

  /** Gives the queries that a denial concerns their end; one of the inbox concerns all. */
  denied({ operation, subject, error }: Denial): void {
    const isMeant = operation === 'publish' ? (waiting: Asked) => waiting.subject === subject : () => true;
    const isOurs = operation === 'publish' || subject === this.#names.answers || subject === '>';
    if (!isOurs) return;
    for (const { queryId, sentAtMs, onAnswer, number } of this.#outstanding.take(isMeant)) {
      onAnswer(timed(notPermitted(error), queryId, this.#clock.now() - sentAtMs), number);
    }
  }

  /** Disconnects. Queries that still wait are `unanswered`. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#asking.stop();
    await this.#inboxSubscription.drain();
    this.#outstanding.end();
    const catalog = await this.#catalog?.catch(() => undefined);
    await catalog?.drain();
    await this.bus.close();
  }

  /** The broker would end the connection over a message that is too large. */
  #checkSize(body: Uint8Array): void {
    const most = this.bus.maxPayloadBytes - headerRoomBytes;
    if (body.length <= most) return;
    throw new SlacklineError('oversized_body', `The body has ${body.length} bytes, and the broker takes ${most}`);
  }

  /** How long the query may take, as far as this process can know. */
  #limitMs(model: string, options: QueryOptions): number {
    if (options.sloMs !== undefined) return options.sloMs;
    // Our clock may be off by minutes: how far away a deadline of the broker's is, nobody here knows.
    if (options.deadline !== undefined) return unknownLimitMs;
    return this.#models.get(model)?.sloMs ?? unknownLimitMs;
  }

  #take(message: BusMessage): void {
    const token = this.#names.token(message.subject);
    const { duplicates } = this.#outstanding;
    const waiting = this.#outstanding.peek(token);
    if (waiting === undefined) {
      if (this.#outstanding.duplicates > duplicates) this.#second(message);
      return;
    }
    const { queryId, sentAtMs } = waiting;
    const roundTripMs = this.#clock.now() - sentAtMs;
    const answer = isNobody(message) ? nobodyListens() : this.#parse(message);
    if (answer === undefined) return;
    this.#outstanding.remove(token);
    waiting.onAnswer(timed(answer, queryId, roundTripMs), waiting.number);
  }

  #second(message: BusMessage): void {
    const onSecond = this.options.onSecond;
    const answer = onSecond === undefined || isNobody(message) ? undefined : this.#parse(message);
    if (answer !== undefined) onSecond?.(answer);
  }

  #parse(message: BusMessage) {
    try {
      return parseAnswer(message);
    } catch (error) {
      if (!(error instanceof SlacklineError)) throw error;
      this.#unreadable++;
      return undefined;
    }
  }

  /** Without a reply subject of its own: where no ingest listens yet, the broker’s word for it is not the query’s end. */
  #askAgain(token: number, { queryId, subject }: Asked): void {
    const headers = { [headerNames.queryId]: queryId, [headerNames.outcomeAgain]: this.#names.reply(token) };
    this.bus.publish(subject, new Uint8Array(0), { headers });
  }

  #unanswered({ queryId, sentAtMs, isCutOff, onAnswer, number }: Asked): void {
    const roundTripMs = this.#clock.now() - sentAtMs;
    onAnswer({ outcome: 'unanswered', connectionLost: isCutOff, queryId, roundTripMs }, number);
  }

  #withOutputs(model: string, answer: RawAnswer): Answer {
    if (!('body' in answer)) return answer;
    const outputs = decodeOutputs(answer.contentType, answer.body, this.#models.get(model)?.outputs);
    return { ...answer, outputs };
  }

  /** Follows the catalog from the first call on. */
  async #followCatalog(): Promise<void> {
    this.#catalog ??= this.#watchModels();
    try {
      await this.#catalog;
    } catch (error) {
      // The next call tries again.
      this.#catalog = undefined;
      throw error;
    }
  }

  #watchModels(): Promise<Subscription> {
    return followCatalog(this.bus, this.#subjects, {
      onServed: (entry) => this.#models.set(entry.name, entry),
      onGone: (name) => this.#models.delete(name),
      // A newer Slackline may write what this one cannot read; its queries work all the same.
      onBroken: (name) => this.#models.delete(name),
    });
  }
}
