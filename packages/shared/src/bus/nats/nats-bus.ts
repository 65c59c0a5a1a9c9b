/** The Bus on core NATS and JetStream: core messages and the life of the connection here, the rest in the files beside. */
import { HeaderLines, type HeaderValues } from '../../headers.js';
import type {
  BucketConfig,
  Bus,
  BusMessage,
  BusStatus,
  ClockReading,
  ConsumerConfig,
  Consumption,
  KeyBucket,
  ObjectBucket,
  PubAck,
  PublishOptions,
  ServiceInfo,
  ServiceInstance,
  StreamConfig,
  StreamMessage,
  StreamPublisher,
  StreamPublisherListener,
  StreamState,
  Subscription,
} from '../bus.js';
import {
  createInbox,
  Events,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  type NatsSubscription,
} from './client.js';
import { Consumers } from './consumption.js';
import { discoverServices } from './discovery.js';
import { translated } from './errors.js';
import { shielded } from './handlers.js';
import { toHeaders } from './header-values.js';
import { Kept, type Open } from './kept.js';
import { hasKeys, openKeys } from './keys.js';
import { CoreMessage } from './messages.js';
import { openObjects } from './objects.js';
import { Outbound } from './outbound.js';
import { type Denial, denialOf, refusalIn } from './refusals.js';
import { NatsStreamPublisher } from './stream-publisher.js';
import { Streams } from './streams.js';

/** A broker that does not answer for so long will not take the last words any more. */
const closeLimitMs = 5_000;

export class NatsBus implements Bus {
  readonly maxPayloadBytes: number;
  readonly serverVersion: string;
  /** Undefined where the client is not made as it is expected. */
  readonly #outbound: Outbound | undefined;
  readonly #streams: Streams;
  readonly #consumers: Consumers;
  readonly #onDenied: (denial: Denial) => void;
  readonly #listeners: ((status: BusStatus) => void)[] = [];
  readonly #kept = new Set<Kept>();
  readonly #streamPublishers = new Set<StreamPublisherListener>();

  constructor(
    private readonly connection: NatsConnection,
    private readonly js: JetStreamClient,
    private readonly manager: JetStreamManager,
    private readonly ours: { inboxPrefix: string | undefined; onDenied: (denial: Denial) => void },
  ) {
    this.maxPayloadBytes = connection.info?.max_payload ?? 1_048_576;
    this.serverVersion = connection.info?.version ?? '';
    this.#outbound = Outbound.of(connection);
    this.#streams = new Streams(js, manager, this);
    this.#consumers = new Consumers(js, manager, this.#keep, (reply) => this.#outbound?.ack(reply) ?? false);
    this.#onDenied = shielded(ours.onDenied);
    // Both end with the connection, which `close` owns.
    void this.#watchStatus();
    void connection.closed().then((error) => {
      const refusal = refusalIn(error, connection.getServer());
      if (refusal !== undefined) this.ours.onDenied({ operation: 'subscription', subject: '>', error: refusal });
      this.#tell('closed');
    });
  }

  newInbox(): string {
    return createInbox(this.ours.inboxPrefix);
  }

  publish(subject: string, data: Uint8Array, options: PublishOptions = {}): void {
    const { headers, reply } = options;
    if (
      this.#outbound?.publish(subject, reply, headers === undefined ? '' : HeaderLines.of(headers).text, data) === true
    )
      return;
    // The client knows what else there may be: an end of the connection, subjects that are no ASCII.
    this.connection.publish(subject, data, {
      ...(headers !== undefined && { headers: toHeaders(headers) }),
      ...(reply !== undefined && { reply }),
    });
  }

  sendNow(): void {
    this.#outbound?.send();
  }

  async request(subject: string, data: Uint8Array, options: { timeoutMs: number; headers?: HeaderValues }) {
    const { headers, timeoutMs } = options;
    const call = this.connection.request(subject, data, {
      timeout: timeoutMs,
      ...(headers !== undefined && { headers: toHeaders(headers) }),
    });
    return new CoreMessage(await translated(`A request to ${subject}`, call));
  }

  subscribe(subject: string, handler: (message: BusMessage) => void, options?: { queue?: string }): Subscription {
    const handle = shielded(handler);
    const subscription = this.connection.subscribe(subject, {
      ...(options?.queue !== undefined && { queue: options.queue }),
      callback: (error, message) => {
        if (error === null) handle(new CoreMessage(message));
      },
    });
    return drainable(subscription);
  }

  flush(): Promise<void> {
    return translated('Flushing the connection', this.connection.flush());
  }

  ensureStream(config: StreamConfig): Promise<void> {
    return this.#streams.ensure(config);
  }

  streamState(stream: string): Promise<StreamState> {
    return this.#streams.state(stream);
  }

  publishToStream(
    subject: string,
    data: Uint8Array,
    options: { id: string; timeoutMs: number; headers?: HeaderValues | HeaderLines },
  ): Promise<PubAck> {
    return this.#streams.publish(subject, data, options);
  }

  streamPublisher(listener: StreamPublisherListener): StreamPublisher {
    this.#streamPublishers.add(listener);
    return new NatsStreamPublisher(this, listener, () => this.#streamPublishers.delete(listener));
  }

  readMessage(stream: string, sequence: number): Promise<BusMessage | undefined> {
    return this.#streams.read(stream, sequence);
  }

  readClock(stream: string, subject: string): Promise<ClockReading> {
    return this.#streams.readClock(stream, subject);
  }

  consume(config: ConsumerConfig, handler: (message: StreamMessage) => void): Promise<Consumption> {
    return this.#consumers.consume(config, handler);
  }

  consumers(stream: string): Promise<string[]> {
    return this.#consumers.names(stream);
  }

  deleteConsumer(stream: string, name: string): Promise<void> {
    return this.#consumers.delete(stream, name);
  }

  keys(bucket: string, config: BucketConfig): Promise<KeyBucket> {
    return openKeys({ js: this.js, manager: this.manager, keep: this.#keep }, bucket, config);
  }

  hasKeys(bucket: string): Promise<boolean> {
    return hasKeys(this.manager, bucket);
  }

  objects(bucket: string, config: BucketConfig): Promise<ObjectBucket> {
    return openObjects({ js: this.js, manager: this.manager }, bucket, config);
  }

  async announce(info: ServiceInfo): Promise<void> {
    await translated('Announcing the service', this.connection.services.add(info));
    // Who is told that we are ready may look for us at once, on another connection.
    await this.flush();
  }

  discover(limitMs: number): Promise<ServiceInstance[]> {
    return discoverServices(this, limitMs);
  }

  onStatus(listener: (status: BusStatus) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closeLimitMs);
    });
    try {
      await Promise.race([this.#drain(), tooLate]);
    } finally {
      clearTimeout(timer);
      if (!this.connection.isClosed()) await this.connection.close();
    }
  }

  async #drain(): Promise<void> {
    await Promise.all([...this.#kept].map((kept) => kept.stop()));
    if (!this.connection.isClosed()) await this.connection.drain();
  }

  async #watchStatus(): Promise<void> {
    let isConnected = true;
    for await (const { type, permissionContext } of this.connection.status()) {
      if (permissionContext !== undefined) this.#denied(denialOf(permissionContext));
      // The client tells twice of an attempt that failed half way.
      if (type === Events.Disconnect && isConnected) {
        isConnected = false;
        this.#tell('disconnected');
      }
      if (type !== Events.Reconnect || isConnected) continue;
      isConnected = true;
      this.#tell('reconnected');
      // Perhaps another broker, or one that has forgotten: pulls and watches of before may be waited for in vain.
      for (const kept of [...this.#kept]) kept.again();
    }
  }

  #denied(denial: Denial): void {
    this.#onDenied(denial);
    if (denial.operation !== 'publish') return;
    for (const listener of this.#streamPublishers) listener.denied(denial.subject, denial.error);
  }

  /** Something that is opened anew after every reconnect. */
  readonly #keep = (open: Open): Kept => {
    const kept = new Kept(open, () => this.#kept.delete(kept));
    this.#kept.add(kept);
    return kept;
  };

  #tell(status: BusStatus): void {
    for (const listener of this.#listeners) listener(status);
  }
}

const drainable = (subscription: NatsSubscription): Subscription => ({
  drain: () => (subscription.isClosed() ? Promise.resolve() : subscription.drain()),
});
