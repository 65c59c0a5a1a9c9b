/** The front door: takes queries from `infer.<model>`, refuses or stores them, and answers what it refuses. */
import { randomUUID } from 'node:crypto';
import { getHeapStatistics } from 'node:v8';
import {
  BrokerTime,
  type Bus,
  type BusMessage,
  backlogReport,
  type Clock,
  Complaints,
  contentTypeOf,
  contentTypes,
  forbiddenReply,
  frameError,
  type HeaderReader,
  headerNames,
  ingestTelemetry,
  isAllowedReply,
  type Log,
  messageIdOf,
  type OutcomeQuestion,
  type Priority,
  pack,
  processMetadata,
  type RunningService,
  SlacklineError,
  StreamKeeper,
  Subjects,
  unpack,
} from '@slackline/shared';
import { type AdmittedQuery, admit, checkContent, readableId } from './admission.js';
import { Catalog } from './catalog.js';
import type { IngestConfig } from './config.js';
import { Counters } from './counters.js';
import type { Arrival } from './deadline.js';
import { type Candidate, Door } from './door.js';
import { outgoingOf } from './outgoing.js';
import { Peers } from './peers.js';
import { hearProducers, type Origin } from './producers.js';
import { Publisher, type PublishResult } from './publisher.js';

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
  readonly #complaints: Complaints;
  readonly #publisher: Publisher;
  readonly #peers = new Peers();
  readonly #door = new Door(() => this.#peers.count);
  readonly #streams: StreamKeeper;
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
    this.#counters = new Counters(log);
    this.#complaints = new Complaints(log, clock);
    this.#catalog = new Catalog(this.#complaints, bus.maxPayloadBytes);
    this.#publisher = new Publisher(bus, clock, {
      maxUnanswered: config.MAX_UNANSWERED,
      maxUnansweredBytes: config.MAX_UNANSWERED_BYTES,
      pubAckTimeoutMs: config.PUBACK_TIMEOUT_MS,
      duplicateWindowMs: config.DUPLICATE_WINDOW_MS,
    });
    this.#streams = new StreamKeeper(bus, this.#subjects, config, log);
    this.#brokerTime = new BrokerTime(bus, this.#subjects, clock, log, {
      everyMs: config.CLOCK_PROBE_MS,
      onFailure: () => this.#streams.ensure(),
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
    await this.#streams.ensure();
    await this.#brokerTime.start();
    const stores = { storage: this.config.STORAGE, replicas: this.config.REPLICAS };
    const models = await this.#catalog.follow(await bus.keys(this.#subjects.stores.profiles, stores));
    await bus.announce({
      name: 'slackline-ingest',
      version: '0.1.0',
      description: 'Takes queries, checks them, stores them.',
      metadata: {
        ...processMetadata(this.config.INSTANCE_NAME ?? 'ingest', this.config.SUBJECT_PREFIX),
        instance: this.instanceId,
      },
    });
    const queries = hearProducers(bus, this.#subjects, this.config, {
      onQuery: (message, origin) => this.#take(message, origin),
      onQuestion: (headers, replyTo, origin) => this.#askAgain(headers, replyTo, origin),
    });
    const heard = [
      bus.subscribe(this.#subjects.backlog, (message) => this.#toldBacklog(message)),
      bus.subscribe(this.#subjects.telemetry('ingest'), (message) => this.#heardPeer(message)),
    ];
    const telemetry = setInterval(() => this.#report(), telemetryEveryMs);
    this.#ends = [
      async () => void (await Promise.all(queries.map((each) => each.drain()))),
      () => this.#publisher.idle(lastAcksMs),
      () => clearInterval(telemetry),
      () => this.#report(),
      async () => void (await Promise.all(heard.map((each) => each.drain()))),
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
  #take(message: BusMessage, { tenant, prefixes }: Origin): void {
    const { reply } = message;
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
      const refusal = this.#publisher.refusal(
        messageIdOf(query.id, tenant),
        query.body.length,
        query.deadlineMs - nowMs,
      );
      if (refusal !== undefined) throw refusal;
      const atDoor = { model: query.model.name, deadlineMs: arrival.brokerNowMs + query.deadlineMs - nowMs };
      const isTurnedAway = (priority: Priority) => this.#isTurnedAway(message, query, { ...atDoor, priority }, arrival);
      // A body that is more than bytes may ask for a priority too: before it is read, that may be the highest.
      const atMost = query.contentType === contentTypes.bytes ? 'normal' : 'high';
      if (isTurnedAway(query.constraints.priority ?? atMost)) return;
      const constraints = checkContent(query);
      const { priority = 'normal' } = constraints;
      if (query.contentType !== contentTypes.bytes && isTurnedAway(priority)) return;
      this.#door.entered({ ...atDoor, priority }, arrival.brokerNowMs);
      this.#publisher
        .publish(outgoingOf(query, constraints, { tenant, reply }, this.#subjects.queries(query.model.name)))
        .then((result) => this.#settle(message, query, result))
        .catch((error: unknown) => this.dependencies.log.error({ err: error, query: query.id }, 'publishing failed'));
    } catch (error) {
      if (error instanceof SlacklineError) this.#refuse(message, readableId(message.headers), error);
      else this.#complaints.warn('check', { err: error }, 'a query could not be checked');
    }
  }

  /** A producer that was cut off asks what became of a query: the schedulers are asked, and one that knows tells it. */
  #askAgain(headers: HeaderReader, replyTo: string, { prefixes }: Origin): void {
    const queryId = readableId(headers);
    // What cannot be answered is passed over: nothing depends on it.
    if (queryId === undefined || !isAllowedReply(replyTo, prefixes)) return;
    this.dependencies.bus.publish(this.#subjects.outcomesAgain, pack<OutcomeQuestion>({ v: 1, queryId, replyTo }));
  }

  /** Refuses a query that could only be answered too late. */
  #isTurnedAway(message: BusMessage, query: AdmittedQuery, candidate: Candidate, { brokerNowMs }: Arrival): boolean {
    const refusal = this.#door.refusal(candidate, brokerNowMs);
    if (refusal !== undefined) this.#refuse(message, query.id, refusal.error, refusal.retryAfterMs);
    return refusal !== undefined;
  }

  #settle(message: BusMessage, query: AdmittedQuery, result: PublishResult): void {
    if (result.is === 'stored') this.#counters.accepted++;
    else if (result.is === 'unconfirmed') this.#counters.unconfirmed++;
    else this.#refuse(message, query.id, result.error);
  }

  /** Counts a refusal and answers it where it may be answered. */
  #refuse(
    message: BusMessage,
    queryId: string | undefined,
    error: SlacklineError,
    retryAfterMs = Math.max(this.config.RETRY_AFTER_MS, this.#publisher.delayMs),
  ): void {
    const { bus, clock } = this.dependencies;
    const { reply } = message;
    const told = reply !== undefined && error.code !== 'forbidden_reply';
    this.#counters.refuse(error, Subjects.lastToken(message.subject), told, clock.now());
    if (!told) return;
    const framed = frameError(answerType(message), error, {
      queryId,
      ...(error.code === 'overloaded' && { retryAfterMs }),
    });
    bus.publish(reply, framed.data, { headers: framed.headers });
  }

  #toldBacklog({ data }: BusMessage): void {
    this.#guarded('backlog', () => this.#door.told(unpack('backlog', backlogReport, data), this.#brokerTime.nowMs()));
  }

  #heardPeer({ data }: BusMessage): void {
    this.#guarded('telemetry', () => {
      const { instanceId } = unpack('ingest telemetry', ingestTelemetry, data);
      this.#peers.heard(instanceId, this.dependencies.clock.now());
    });
  }

  /** What other processes say may be anything. */
  #guarded(kind: string, read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof SlacklineError)) throw error;
      this.#complaints.warn(kind, { code: error.code, kind }, error.message);
    }
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
      heapBytes: getHeapStatistics().used_heap_size,
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
