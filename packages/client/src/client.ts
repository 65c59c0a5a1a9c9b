/** A producer's connection: queries out, answers in. */
import {
  type Bus,
  type BusMessage,
  type Clock,
  connectBus,
  constraintHeaders,
  contentTypes,
  decimalText,
  decodeOutputs,
  headerNames,
  type ModelEntry,
  type Priority,
  parseAnswer,
  SlacklineError,
  Subjects,
  type Subscription,
  systemClock,
  watchModels,
} from '@slackline/shared';
import type { Answer, RawAnswer } from './answer.js';
import { type Input, toBody } from './input.js';
import { Outstanding, type Waiting } from './outstanding.js';
import { type ResultOptions, readResults } from './results.js';
import { checked, isNobody, nobodyListens } from './wire.js';

export interface ClientOptions {
  /** Tokens before every subject; the deployment's SUBJECT_PREFIX. */
  prefix?: string;
  /** How long after a query's limit its answer is waited for, in milliseconds; default 1,000. */
  graceMs?: number;
  clock?: Clock;
}

export interface ConnectOptions extends ClientOptions {
  /** One URL, or several of a cluster with commas; default nats://127.0.0.1:4222. */
  url?: string;
  /** Shown by the broker's monitoring. */
  name?: string;
}

export interface QueryOptions {
  /** Milliseconds from now; the model's default when neither this nor `deadline` is given. */
  sloMs?: number;
  /** The broker's time in milliseconds since 1970. */
  deadline?: number;
  /** 1 to 64 letters, digits, `-` or `_`; a new one when absent. The same id again is refused. */
  queryId?: string;
  /** Top-1 accuracy in 0..1 that the answering subnet must have at least; default: any will do. */
  minAccuracy?: number;
  /** Under overload lower classes are shed first; default `normal`. */
  priority?: Priority;
  /** Of a body that is given as bytes; default application/octet-stream. */
  contentType?: string;
  /** How long an answer is waited for; default: the limit and `graceMs`. */
  timeoutMs?: number;
}

export interface PublishOptions extends Omit<QueryOptions, 'timeoutMs'> {
  /** Where the answer is stored; default: the query id. Several queries may share one. */
  resultKey?: string;
}

/** Counts of one client since it connected. */
export interface ClientCounts {
  /** Second answers to one query; dropped. */
  duplicates: number;
  /** Answers after their query had timed out; dropped. */
  tooLate: number;
  /** Messages that were no answers; dropped. */
  unreadable: number;
}

/** How long an answer is waited for when nothing says how long the query may take. */
const unknownLimitMs = 60_000;
const defaultGraceMs = 1_000;
/** What the headers of a query may take of the broker's max_payload. */
const headerRoomBytes = 1_024;

type OnAnswer = (answer: RawAnswer) => void;

/** Connects to Slackline. Throws `nats_unreachable`. */
export async function connect(options: ConnectOptions = {}): Promise<SlacklineClient> {
  const bus = await connectBus({ url: options.url ?? 'nats://127.0.0.1:4222', name: options.name ?? 'producer' });
  return new SlacklineClient(bus, options);
}

export class SlacklineClient {
  readonly #subjects: Subjects;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #inbox: string;
  readonly #inboxSubscription: Subscription;
  readonly #outstanding: Outstanding<OnAnswer>;
  readonly #models = new Map<string, ModelEntry>();
  #catalog: Promise<Subscription> | undefined;
  readonly #closing = new AbortController();
  /** Ids are this client's inbox and a number: unique, and cheaper than random ones. */
  readonly #idBase: string;
  #nextId = 0;
  #unreadable = 0;

  /** @param bus closed by `close` */
  constructor(
    private readonly bus: Bus,
    options: ClientOptions = {},
  ) {
    this.#subjects = new Subjects(options.prefix);
    this.#clock = options.clock ?? systemClock;
    this.#graceMs = options.graceMs ?? defaultGraceMs;
    this.#inbox = bus.newInbox();
    this.#idBase = Subjects.lastToken(this.#inbox);
    this.#outstanding = new Outstanding(this.#clock, (waiting) => this.#unanswered(waiting));
    this.#inboxSubscription = bus.subscribe(`${this.#inbox}.*`, (message) => this.#take(message));
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
   * Rejects for wrong use (`wrong_header`, `unsupported_content_type`, `oversized_body`), and with `malformed_body` when an
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
   * The form for load generators: no promise, no look into the body. `onAnswer` is called exactly once and must not throw.
   * Returns the query's id. Throws `wrong_header` or `oversized_body`.
   */
  send(model: string, body: Uint8Array, options: QueryOptions, onAnswer: OnAnswer): string {
    const queryId = options.queryId ?? this.#newId();
    const headers = this.#headers(model, queryId, options);
    this.#checkSize(body);
    const waiting = { queryId, sentAtMs: this.#clock.now(), settle: onAnswer };
    const token = this.#outstanding.add(waiting, options.timeoutMs ?? this.#limitMs(model, options) + this.#graceMs);
    this.bus.publish(this.#subjects.infer(model), body, { headers, reply: `${this.#inbox}.${token}` });
    return queryId;
  }

  /** Sends a query whose answer is stored under `resultKey`; see `results`. Returns the query's id. Refusals are not told. */
  publish(model: string, input: Input, options: PublishOptions = {}): string {
    const { body, contentType } = toBody(input, options.contentType);
    const queryId = options.queryId ?? this.#newId();
    const headers = this.#headers(model, queryId, { ...options, contentType });
    if (options.resultKey !== undefined) headers[headerNames.resultKey] = checked('result key', options.resultKey);
    this.#checkSize(body);
    this.bus.publish(this.#subjects.infer(model), body, { headers });
    return queryId;
  }

  /**
   * The stored answers of `key`, oldest first, then new ones as they come; each query once. Ends with `waitMs` without a new
   * one, with `signal`, or with `close`. Their `roundTripMs` is 0: nobody timed them.
   */
  async *results(model: string, key: string, options: ResultOptions = {}): AsyncGenerator<Answer> {
    const subject = this.#subjects.results(checked('model', model), checked('result key', key));
    await this.#followCatalog();
    const signals = [this.#closing.signal, ...(options.signal === undefined ? [] : [options.signal])];
    const messages = readResults(this.bus, this.#subjects.stores.results, subject, {
      ...options,
      signal: AbortSignal.any(signals),
    });
    for await (const message of messages) {
      const parsed = this.#parse(message);
      if (parsed !== undefined) {
        yield this.#withOutputs(model, { ...parsed, queryId: parsed.queryId ?? '', roundTripMs: 0 });
      }
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

  /** Disconnects. Queries that still wait are `unanswered`. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#inboxSubscription.drain();
    this.#outstanding.end();
    const catalog = await this.#catalog?.catch(() => undefined);
    await catalog?.drain();
    await this.bus.close();
  }

  #newId(): string {
    return `${this.#idBase}-${(this.#nextId++).toString(36)}`;
  }

  #headers(model: string, queryId: string, options: QueryOptions): Record<string, string> {
    checked('model', model);
    const headers: Record<string, string> = { [headerNames.queryId]: checked('query id', queryId) };
    if (options.sloMs !== undefined) headers[headerNames.sloMs] = decimalText(options.sloMs);
    if (options.deadline !== undefined) headers[headerNames.deadline] = decimalText(options.deadline);
    if (options.contentType !== undefined) headers[headerNames.contentType] = options.contentType;
    return Object.assign(headers, constraintHeaders(options));
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
    // Our clock may differ from the broker's; the grace is for that too.
    if (options.deadline !== undefined) return Math.max(0, options.deadline - Date.now());
    return this.#models.get(model)?.sloMs ?? unknownLimitMs;
  }

  #take(message: BusMessage): void {
    const token = Subjects.lastToken(message.subject);
    const waiting = this.#outstanding.peek(token);
    if (waiting === undefined) return;
    const { queryId, sentAtMs } = waiting;
    const roundTripMs = this.#clock.now() - sentAtMs;
    const answer = isNobody(message) ? nobodyListens() : this.#parse(message);
    if (answer === undefined) return;
    this.#outstanding.remove(token);
    waiting.settle({ ...answer, queryId, roundTripMs });
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

  #unanswered({ queryId, sentAtMs, settle }: Waiting<OnAnswer>): void {
    settle({ outcome: 'unanswered', queryId, roundTripMs: this.#clock.now() - sentAtMs });
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

  async #watchModels(): Promise<Subscription> {
    const profiles = await this.bus.keys(this.#subjects.stores.profiles, { storage: 'file', replicas: 1 });
    return watchModels(profiles, {
      onServed: (entry) => this.#models.set(entry.name, entry),
      onGone: (name) => this.#models.delete(name),
      // A newer Slackline may write what this one cannot read; its queries work all the same.
      onBroken: (name) => this.#models.delete(name),
    });
  }
}
