/** The front door: takes queries from `infer.<model>`, refuses or stores them, and answers what it refuses. */
import { randomUUID } from 'node:crypto';
import {
  BrokerTime,
  type Bus,
  type BusMessage,
  type Clock,
  type Constraints,
  constraintHeaders,
  contentTypeOf,
  ensureStreams,
  forbiddenReply,
  frameError,
  type HeaderValues,
  headerNames,
  isAllowedReply,
  type Log,
  pack,
  type RunningService,
  SlacklineError,
  Subjects,
} from '@slackline/shared';
import { type AdmittedQuery, admit, checkContent, readableId } from './admission.js';
import { Catalog } from './catalog.js';
import type { IngestConfig } from './config.js';
import { Counters } from './counters.js';
import { type OutgoingQuery, Publisher, type PublishResult } from './publisher.js';

/** Ingests share the queries: each goes to one of this queue group. */
const queueGroup = 'ingest';
const telemetryEveryMs = 1_000;
/** How long a shutdown waits for PubAcks. */
const lastAcksMs = 10_000;
/** Room that the stamped headers take of the broker's max_payload. */
const headerRoomBytes = 2_048;

export interface IngestDependencies {
  /** Closed by `stop`. */
  bus: Bus;
  clock: Clock;
  log: Log;
}

/** Starts an ingest. Resolves when it takes queries. */
export async function startIngest(config: IngestConfig, dependencies: IngestDependencies): Promise<RunningService> {
  const ingest = new Ingest(config, dependencies);
  await ingest.start();
  return { stop: () => ingest.stop(), failed: ingest.failed, ready: { instanceId: ingest.instanceId } };
}

class Ingest {
  readonly instanceId = randomUUID();
  /** Resolves when the bus has closed for good. */
  readonly failed: Promise<Error>;
  readonly #subjects: Subjects;
  readonly #catalog: Catalog;
  readonly #counters: Counters;
  readonly #publisher: Publisher;
  readonly #brokerTime: BrokerTime;
  readonly #limits: { maxSloMs: number; maxBodyBytes: number };
  #closed = false;
  /** Ends what `start` began, in the order in which it must end. */
  #ends: (() => void | Promise<void>)[] = [];

  constructor(
    private readonly config: IngestConfig,
    private readonly dependencies: IngestDependencies,
  ) {
    const { bus, clock, log } = dependencies;
    this.#subjects = new Subjects(config.SUBJECT_PREFIX);
    this.#catalog = new Catalog(log);
    this.#counters = new Counters(log);
    this.#publisher = new Publisher(bus, clock, {
      maxUnanswered: config.MAX_UNANSWERED,
      maxUnansweredBytes: config.MAX_UNANSWERED_BYTES,
      pubAckTimeoutMs: config.PUBACK_TIMEOUT_MS,
      duplicateWindowMs: config.DUPLICATE_WINDOW_MS,
    });
    this.#brokerTime = new BrokerTime(bus, this.#subjects, clock, log, {
      everyMs: config.CLOCK_PROBE_MS,
      onFailure: () => ensureStreams(bus, this.#subjects, config),
    });
    this.failed = new Promise((resolve) => {
      bus.onStatus((status) => {
        if (status !== 'closed') return;
        this.#closed = true;
        resolve(new SlacklineError('bus_failed', 'The connection to NATS was closed'));
      });
    });
    const roomBytes = bus.maxPayloadBytes - headerRoomBytes;
    this.#limits = { maxSloMs: config.MAX_SLO_MS, maxBodyBytes: Math.min(config.MAX_BODY_BYTES, roomBytes) };
  }

  async start(): Promise<void> {
    const { bus } = this.dependencies;
    await ensureStreams(bus, this.#subjects, this.config);
    await this.#brokerTime.start();
    const stores = { storage: this.config.STORAGE, replicas: this.config.REPLICAS };
    const models = await this.#catalog.follow(await bus.keys(this.#subjects.stores.profiles, stores));
    await bus.announce({
      name: 'slackline-ingest',
      version: '0.1.0',
      description: 'Takes queries, checks them, stores them.',
      metadata: { instance: this.instanceId },
    });
    const queries = bus.subscribe(this.#subjects.infer('*'), (message) => this.#take(message), { queue: queueGroup });
    const telemetry = setInterval(() => this.#report(), telemetryEveryMs);
    this.#ends = [
      () => queries.drain(),
      () => this.#publisher.idle(lastAcksMs),
      () => clearInterval(telemetry),
      () => this.#report(),
      () => models.drain(),
      () => this.#brokerTime.stop(),
      () => bus.close(),
    ];
    // The subscription is in force when the broker has answered.
    await bus.flush();
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end();
  }

  /** One message from a producer. Never throws: nothing that comes from outside may end the process. */
  #take(message: BusMessage): void {
    const { reply } = message;
    const prefixes = this.config.ALLOWED_REPLY_PREFIXES;
    if (reply !== undefined && !isAllowedReply(reply, prefixes)) {
      // Not answered, since an answer is what the attack is after.
      this.#refuse(message, undefined, forbiddenReply(reply, prefixes));
      return;
    }
    const nowMs = this.dependencies.clock.now();
    try {
      const arrival = { nowMs, brokerNowMs: this.#brokerTime.nowMs() };
      const query = admit(message, arrival, this.#catalog, this.#limits, randomUUID);
      // Refusing must be cheap, or an ingest that is behind would fall further behind.
      const refusal = this.#publisher.refusal(query.id, query.body.length, query.deadlineMs - nowMs);
      if (refusal !== undefined) throw refusal;
      const constraints = checkContent(query);
      this.#publisher
        .publish(this.#outgoing(query, constraints, reply))
        .then((result) => this.#settle(message, query, result))
        .catch((error: unknown) => this.dependencies.log.error({ err: error, query: query.id }, 'publishing failed'));
    } catch (error) {
      if (error instanceof SlacklineError) this.#refuse(message, readableId(message.headers), error);
      else this.dependencies.log.error({ err: error }, 'a query could not be checked');
    }
  }

  #outgoing(query: AdmittedQuery, constraints: Constraints, reply: string | undefined): OutgoingQuery {
    const to: HeaderValues = reply
      ? { [headerNames.replyTo]: reply }
      : { [headerNames.resultKey]: query.resultKey ?? query.id };
    return {
      subject: this.#subjects.queries(query.model.name),
      id: query.id,
      body: query.body,
      deadlineMs: query.deadlineMs,
      headers: (budgetMs) => ({
        [headerNames.contentType]: query.contentType,
        [headerNames.budgetMs]: Math.max(0, budgetMs).toFixed(3),
        ...to,
        ...constraintHeaders(constraints),
        ...query.passedOn,
      }),
    };
  }

  #settle(message: BusMessage, query: AdmittedQuery, result: PublishResult): void {
    if (result.is === 'stored') this.#counters.accepted++;
    else if (result.is === 'unconfirmed') this.#counters.unconfirmed++;
    else this.#refuse(message, query.id, result.error);
  }

  /** Counts a refusal and answers it where it may be answered. */
  #refuse(message: BusMessage, queryId: string | undefined, error: SlacklineError): void {
    const { bus, clock } = this.dependencies;
    const { reply } = message;
    const told = reply !== undefined && error.code !== 'forbidden_reply';
    this.#counters.refuse(error, Subjects.lastToken(message.subject), told, clock.now());
    if (!told) return;
    const framed = frameError(answerType(message), error, {
      queryId,
      ...(error.code === 'overloaded' && { retryAfterMs: this.config.RETRY_AFTER_MS }),
    });
    bus.publish(reply, framed.data, { headers: framed.headers });
  }

  #report(): void {
    if (this.#closed) return;
    const { bus } = this.dependencies;
    const summary = pack({
      v: 1,
      instanceId: this.instanceId,
      ...this.#counters.summary(),
      inFlight: this.#publisher.inFlight,
      retried: this.#publisher.retried,
      models: this.#catalog.size,
    });
    bus.publish(this.#subjects.telemetry('ingest'), summary);
  }
}

/** The content type that a refusal is written for: the query's, if it has one of ours. */
function answerType(message: BusMessage): string {
  try {
    return contentTypeOf(message.headers.get(headerNames.contentType));
  } catch {
    return '';
  }
}
