/**
 * The front door: takes queries from `infer.<model>`, refuses or stores them, and answers what it refuses. Here: its parts, its
 * beginning and its end, and what it hears from others and says of itself; `intake.ts` is the way of a query.
 */
import { randomUUID } from 'node:crypto';
import { getHeapStatistics } from 'node:v8';
import {
  BrokerTime,
  type Bus,
  type BusMessage,
  backlogReport,
  type Clock,
  Complaints,
  type HeaderReader,
  ingestTelemetry,
  isAllowedReply,
  type Log,
  type OutcomeQuestion,
  pack,
  processMetadata,
  type RunningService,
  SlacklineError,
  StreamKeeper,
  Subjects,
  unpack,
} from '@slackline/shared';
import { readableId } from './admission.js';
import { Catalog } from './catalog.js';
import type { IngestConfig } from './config.js';
import { Counters } from './counters.js';
import { Door } from './door.js';
import { Intake } from './intake.js';
import { Peers } from './peers.js';
import { hearProducers, type Origin } from './producers.js';

const telemetryEveryMs = 1_000;
/** How long a shutdown waits for PubAcks. */
const lastAcksMs = 10_000;

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
  readonly #intake: Intake;
  readonly #peers = new Peers(this.instanceId);
  readonly #door = new Door(() => this.#peers.count);
  readonly #streams: StreamKeeper;
  readonly #brokerTime: BrokerTime;
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
    this.#catalog = new Catalog(this.#subjects, this.#complaints, bus.maxPayloadBytes);
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
    this.#intake = new Intake(config, {
      ...dependencies,
      catalog: this.#catalog,
      door: this.#door,
      brokerTime: this.#brokerTime,
      counters: this.#counters,
      complaints: this.#complaints,
    });
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
      onQuery: (message, origin) => this.#intake.take(message, origin),
      onQuestion: (headers, replyTo, origin) => this.#askAgain(headers, replyTo, origin),
    });
    const heard = [
      bus.subscribe(this.#subjects.backlog, (message) => this.#toldBacklog(message)),
      bus.subscribe(this.#subjects.telemetry('ingest'), (message) => this.#heardPeer(message)),
    ];
    const telemetry = setInterval(() => this.#report(), telemetryEveryMs);
    this.#ends = [
      async () => void (await Promise.all(queries.map((each) => each.drain()))),
      () => this.#intake.publisher.idle(lastAcksMs),
      () => clearInterval(telemetry),
      () => this.#report(),
      async () => void (await Promise.all(heard.map((each) => each.drain()))),
      () => models.drain(),
      () => this.#brokerTime.stop(),
      () => this.#intake.publisher.close(),
      () => bus.close(),
    ];
    // The subscription is in force when the broker has answered.
    await bus.flush();
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end();
  }

  /** A producer that was cut off asks what became of a query: the schedulers are asked, and one that knows tells it. */
  #askAgain(headers: HeaderReader, replyTo: string, { prefixes }: Origin): void {
    const queryId = readableId(headers);
    // What cannot be answered is passed over: nothing depends on it.
    if (queryId === undefined || !isAllowedReply(replyTo, prefixes)) return;
    this.dependencies.bus.publish(this.#subjects.outcomesAgain, pack<OutcomeQuestion>({ v: 1, queryId, replyTo }));
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
      inFlight: this.#intake.publisher.inFlight,
      retried: this.#intake.publisher.retried,
      models: this.#catalog.size,
      heapBytes: getHeapStatistics().used_heap_size,
    });
    bus.publish(this.#subjects.telemetry('ingest'), summary);
  }
}
