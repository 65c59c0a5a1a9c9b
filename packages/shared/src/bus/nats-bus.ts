/** The one file that knows the NATS client: the Bus on core NATS and JetStream. */
import {
  AckPolicy,
  ConsumerEvents,
  type ConsumerMessages,
  connect,
  headers as createHeaders,
  createInbox,
  DeliverPolicy,
  DiscardPolicy,
  Events,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  type KV,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  NatsError,
  type Subscription as NatsSubscription,
  nanos,
  type ObjectResult,
  type ObjectStore,
  RetentionPolicy,
  StorageType,
} from 'nats';
import { SlacklineError } from '../errors.js';
import type { HeaderReader, HeaderValues } from '../headers.js';
import { withoutCredentials } from '../log.js';
import type {
  BucketConfig,
  Bus,
  BusMessage,
  BusStatus,
  ClockReading,
  ConsumerConfig,
  Consumption,
  KeyBucket,
  KeyEntry,
  ObjectBucket,
  PubAck,
  PublishOptions,
  ServiceInfo,
  StreamConfig,
  StreamMessage,
  StreamState,
  Subscription,
} from './bus.js';

export interface ConnectOptions {
  /** One URL, or several of a cluster with commas. */
  url: string;
  /** Shown by the broker's monitoring. */
  name: string;
  /** How long to try before `nats_unreachable` is thrown. */
  timeoutMs?: number;
}

// The broker's own error codes.
const apiErrors = {
  streamFull: [10077, 10047, 10122],
  wrongRevision: [10071],
  noMessage: [10037],
  noStream: [10059],
};

/** A pull lives this long; an idle consumer's silence is noticed in about as much, e.g. after a reconnect. */
const pullExpiresMs = 5_000;
const retryConnectMs = 100;

/** Connects, and stays connected: it reconnects for as long as it is open. Throws `nats_unreachable`. */
export async function connectBus(options: ConnectOptions): Promise<Bus> {
  const deadline = performance.now() + (options.timeoutMs ?? 10_000);
  for (;;) {
    try {
      const connection = await connect({
        servers: options.url.split(','),
        name: options.name,
        timeout: 2_000,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100,
        reconnectJitter: 100,
        pingInterval: 5_000,
        maxPingOut: 2,
        // A stack trace per request costs a third of a busy sender's time, and ours name the subject anyway.
        noAsyncTraces: true,
      });
      return new NatsBus(connection, connection.jetstream(), await connection.jetstreamManager());
    } catch (cause) {
      if (performance.now() > deadline) {
        const url = withoutCredentials(options.url);
        throw new SlacklineError('nats_unreachable', `No NATS with JetStream answers at ${url}`, { cause });
      }
      await new Promise((resolve) => setTimeout(resolve, retryConnectMs));
    }
  }
}

const noHeaders: HeaderReader = { get: () => undefined };

class Headers implements HeaderReader {
  constructor(private readonly raw: MsgHdrs) {}
  get(name: string): string | undefined {
    return this.raw.has(name) ? this.raw.get(name) : undefined;
  }
}

class CoreMessage implements BusMessage {
  constructor(private readonly message: Msg) {}
  get subject() {
    return this.message.subject;
  }
  get reply() {
    // The client says '' where there is none, and throws when that is published to.
    return this.message.reply || undefined;
  }
  get data() {
    return this.message.data;
  }
  get headers(): HeaderReader {
    return this.message.headers === undefined ? noHeaders : new Headers(this.message.headers);
  }
}

class StoredMessage implements StreamMessage {
  readonly reply = undefined;
  readonly sequence: number;
  readonly timestampMs: number;
  constructor(private readonly message: JsMsg) {
    const { streamSequence, timestampNanos } = message.info;
    this.sequence = streamSequence;
    this.timestampMs = timestampNanos / 1e6;
  }
  get subject() {
    return this.message.subject;
  }
  get data() {
    return this.message.data;
  }
  get headers(): HeaderReader {
    return this.message.headers === undefined ? noHeaders : new Headers(this.message.headers);
  }
  ack() {
    this.message.ack();
  }
}

function toHeaders(values: HeaderValues | undefined): MsgHdrs | undefined {
  if (values === undefined) return undefined;
  const result = createHeaders();
  for (const name in values) result.append(name, values[name] ?? '');
  return result;
}

function apiCode(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}

/** The client's error as ours. `what` begins the sentence. */
function translate(error: unknown, what: string): SlacklineError {
  if (error instanceof SlacklineError) return error;
  const code = apiCode(error);
  const cause = { cause: error };
  if (code !== undefined && apiErrors.streamFull.includes(code)) {
    return new SlacklineError('stream_full', `${what}: the stream is full`, cause);
  }
  if (code !== undefined && apiErrors.wrongRevision.includes(code)) {
    return new SlacklineError('conflict', `${what}: another revision is newer`, cause);
  }
  const name = error instanceof NatsError ? error.code : '';
  if (name === 'TIMEOUT') return new SlacklineError('timeout', `${what}: no answer in time`, cause);
  if (name === '503') return new SlacklineError('no_responders', `${what}: nobody listens`, cause);
  return new SlacklineError('bus_failed', `${what}: ${error instanceof Error ? error.message : String(error)}`, cause);
}

async function translated<T>(what: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw translate(error, what);
  }
}

/**
 * Calls a handler so that what it throws is an uncaught error of the process: thrown into the client it would end the
 * reading of the connection without a word.
 */
function outside(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

const lostConsumer: ReadonlySet<string> = new Set([
  ConsumerEvents.ConsumerDeleted,
  ConsumerEvents.ConsumerNotFound,
  ConsumerEvents.StreamNotFound,
]);

const drainable = (subscription: NatsSubscription): Subscription => ({
  drain: () => (subscription.isClosed() ? Promise.resolve() : subscription.drain()),
});

class NatsBus implements Bus {
  readonly maxPayloadBytes: number;
  readonly serverVersion: string;
  readonly #listeners: ((status: BusStatus) => void)[] = [];

  constructor(
    private readonly connection: NatsConnection,
    private readonly js: JetStreamClient,
    private readonly manager: JetStreamManager,
  ) {
    this.maxPayloadBytes = connection.info?.max_payload ?? 1_048_576;
    this.serverVersion = connection.info?.version ?? '';
    // Both end with the connection, which `close` owns.
    void this.#watchStatus();
    void connection.closed().then(() => this.#tell('closed'));
  }

  newInbox(): string {
    return createInbox();
  }

  publish(subject: string, data: Uint8Array, options: PublishOptions = {}): void {
    const headers = toHeaders(options.headers);
    this.connection.publish(subject, data, {
      ...(headers && { headers }),
      ...(options.reply !== undefined && { reply: options.reply }),
    });
  }

  async request(subject: string, data: Uint8Array, options: { timeoutMs: number; headers?: HeaderValues }) {
    const headers = toHeaders(options.headers);
    const call = this.connection.request(subject, data, {
      timeout: options.timeoutMs,
      ...(headers && { headers }),
    });
    return new CoreMessage(await translated(`A request to ${subject}`, call));
  }

  subscribe(subject: string, handler: (message: BusMessage) => void, options?: { queue?: string }): Subscription {
    const subscription = this.connection.subscribe(subject, {
      ...(options?.queue !== undefined && { queue: options.queue }),
      callback: (error, message) => {
        if (error === null) outside(() => handler(new CoreMessage(message)));
      },
    });
    return drainable(subscription);
  }

  flush(): Promise<void> {
    return this.connection.flush();
  }

  async ensureStream(config: StreamConfig): Promise<void> {
    const settings = {
      subjects: config.subjects,
      discard: config.discard === 'new' ? DiscardPolicy.New : DiscardPolicy.Old,
      num_replicas: config.replicas,
      max_msgs: config.maxMessages ?? -1,
      max_bytes: config.maxBytes ?? -1,
      max_age: nanos(config.maxAgeMs ?? 0),
      duplicate_window: nanos(config.duplicateWindowMs ?? 2_000),
      allow_direct: true,
    };
    const fixed = {
      name: config.name,
      retention: config.retention === 'workqueue' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
      storage: config.storage === 'memory' ? StorageType.Memory : StorageType.File,
    };
    const what = `Creating the stream ${config.name}`;
    try {
      await this.manager.streams.add({ ...fixed, ...settings });
    } catch (error) {
      // It is there with other settings: bring it up to date; what cannot change (storage) stays as it was created.
      if (!(error instanceof NatsError) || error.api_error === undefined) throw translate(error, what);
      await translated(what, this.manager.streams.update(config.name, settings));
    }
  }

  async streamState(stream: string): Promise<StreamState> {
    const { state } = await translated(`Reading the stream ${stream}`, this.manager.streams.info(stream));
    return {
      messages: state.messages,
      bytes: state.bytes,
      lastSequence: state.last_seq,
    };
  }

  async publishToStream(
    subject: string,
    data: Uint8Array,
    options: { id: string; timeoutMs: number; headers?: HeaderValues },
  ): Promise<PubAck> {
    const headers = toHeaders(options.headers);
    const call = this.js.publish(subject, data, {
      msgID: options.id,
      timeout: options.timeoutMs,
      ...(headers && { headers }),
    });
    const ack = await translated(`Publishing to ${subject}`, call);
    return { sequence: ack.seq, duplicate: ack.duplicate };
  }

  async consume(config: ConsumerConfig, handler: (message: StreamMessage) => void): Promise<Consumption> {
    const start = async (): Promise<ConsumerMessages> => {
      await this.manager.consumers.add(config.stream, {
        durable_name: config.name,
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.All,
        ack_wait: nanos(config.ackWaitMs),
        max_ack_pending: config.maxAckPending,
        mem_storage: true,
      });
      const consumer = await this.js.consumers.get(config.stream, config.name);
      return consumer.consume({
        max_messages: config.prefetch,
        expires: pullExpiresMs,
        callback: (message) => outside(() => handler(new StoredMessage(message))),
      });
    };
    const messages = await translated(`Consuming the stream ${config.stream}`, start());
    // Ends with the consumption. The client would go on asking a consumer that is gone, without a word.
    const watchLoss = async () => {
      for await (const { type } of await messages.status()) {
        if (lostConsumer.has(type)) config.onLost?.(type.replaceAll('_', ' '));
      }
    };
    void watchLoss();
    return {
      stop: async () => {
        await messages.close();
      },
    };
  }

  async consumers(stream: string): Promise<string[]> {
    const names: string[] = [];
    const list = async () => {
      for await (const info of this.manager.consumers.list(stream)) names.push(info.name);
      return names;
    };
    return translated(`Listing the consumers of ${stream}`, list());
  }

  async deleteConsumer(stream: string, name: string): Promise<void> {
    await translated(`Deleting the consumer ${name}`, this.manager.consumers.delete(stream, name));
  }

  async readMessage(stream: string, sequence: number): Promise<BusMessage | undefined> {
    try {
      const stored = await this.manager.streams.getMessage(stream, {
        seq: sequence,
      });
      return {
        subject: stored.subject,
        reply: undefined,
        data: stored.data,
        headers: new Headers(stored.header),
      };
    } catch (error) {
      if (apiErrors.noMessage.includes(apiCode(error) ?? 0)) return undefined;
      throw translate(error, `Reading message ${sequence} of ${stream}`);
    }
  }

  async readClock(stream: string, subject: string): Promise<ClockReading> {
    const read = async () => {
      for (;;) {
        const sentAtMs = performance.now();
        const ack = await this.js.publish(subject, new Uint8Array(0), { timeout: 2_000 });
        const receivedAtMs = performance.now();
        const brokerMs = await this.#storedAtMs(stream, ack.seq);
        if (brokerMs !== undefined) return { sentAtMs, receivedAtMs, brokerMs };
        // Another reader's message has taken the place of ours: the stream keeps one.
      }
    };
    return translated('Reading the broker’s clock', read());
  }

  async #storedAtMs(stream: string, sequence: number): Promise<number | undefined> {
    try {
      const { timestamp } = await this.manager.streams.getMessage(stream, { seq: sequence });
      // RFC 3339 with nanoseconds; Date.parse keeps milliseconds only.
      const [, fraction = '0'] = /\.(\d+)/.exec(timestamp) ?? [];
      return Date.parse(timestamp.replace(/\.\d+/, '')) + Number(`0.${fraction}`) * 1_000;
    } catch (error) {
      if (apiErrors.noMessage.includes(apiCode(error) ?? 0)) return undefined;
      throw error;
    }
  }

  async keys(bucket: string, config: BucketConfig): Promise<KeyBucket> {
    const storage = config.storage === 'memory' ? StorageType.Memory : StorageType.File;
    const kv = this.js.views.kv(bucket, {
      history: 1,
      replicas: config.replicas,
      storage,
      ...(config.maxAgeMs !== undefined && { ttl: config.maxAgeMs }),
    });
    return new NatsKeys(await translated(`Opening the bucket ${bucket}`, kv), bucket);
  }

  async hasKeys(bucket: string): Promise<boolean> {
    try {
      await this.manager.streams.info(`KV_${bucket}`);
      return true;
    } catch (error) {
      if (apiErrors.noStream.includes(apiCode(error) ?? 0)) return false;
      throw translate(error, `Looking for the bucket ${bucket}`);
    }
  }

  async objects(bucket: string, config: BucketConfig): Promise<ObjectBucket> {
    const storage = config.storage === 'memory' ? StorageType.Memory : StorageType.File;
    const store = this.js.views.os(bucket, {
      storage,
      replicas: config.replicas,
      ...(config.maxAgeMs !== undefined && { ttl: nanos(config.maxAgeMs) }),
    });
    return new NatsObjects(await translated(`Opening the object store ${bucket}`, store), bucket);
  }

  async announce(info: ServiceInfo): Promise<void> {
    await translated('Announcing the service', this.connection.services.add(info));
  }

  onStatus(listener: (status: BusStatus) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    if (!this.connection.isClosed()) await this.connection.drain();
  }

  async #watchStatus(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === Events.Disconnect) this.#tell('disconnected');
      if (status.type === Events.Reconnect) this.#tell('reconnected');
    }
  }

  #tell(status: BusStatus): void {
    for (const listener of this.#listeners) listener(status);
  }
}

class NatsKeys implements KeyBucket {
  constructor(
    private readonly kv: KV,
    private readonly bucket: string,
  ) {}

  async get(key: string): Promise<KeyEntry | undefined> {
    const entry = await translated(`Reading ${this.bucket}/${key}`, this.kv.get(key));
    if (entry === null || entry.operation !== 'PUT') return undefined;
    return { key, value: entry.value, revision: entry.revision };
  }

  put(key: string, value: Uint8Array): Promise<number> {
    return translated(`Writing ${this.bucket}/${key}`, this.kv.put(key, value));
  }

  compareAndSet(key: string, value: Uint8Array, revision: number): Promise<number> {
    const call = revision === 0 ? this.kv.create(key, value) : this.kv.update(key, value, revision);
    return translated(`Writing ${this.bucket}/${key}`, call);
  }

  delete(key: string): Promise<void> {
    return translated(`Deleting ${this.bucket}/${key}`, this.kv.delete(key));
  }

  async watch(
    onEntry: (entry: Omit<KeyEntry, 'value'> & { value: Uint8Array | undefined }) => void,
  ): Promise<Subscription> {
    let shown: () => void = () => {};
    const allShown = new Promise<void>((resolve) => {
      shown = resolve;
    });
    const entries = await translated(`Watching ${this.bucket}`, this.kv.watch({ initializedFn: shown }));
    const ended = (async () => {
      for await (const entry of entries) {
        const value = entry.operation === 'PUT' ? entry.value : undefined;
        outside(() => onEntry({ key: entry.key, revision: entry.revision, value }));
      }
    })();
    // The client ends the iteration with an error when the bucket is gone; there is nothing more to show then.
    const over = ended.catch(() => undefined);
    await Promise.race([allShown, ended]);
    return {
      drain: async () => {
        entries.stop();
        await over;
      },
    };
  }
}

class NatsObjects implements ObjectBucket {
  constructor(
    private readonly store: ObjectStore,
    private readonly bucket: string,
  ) {}

  async put(name: string, data: Uint8Array): Promise<void> {
    await translated(`Storing ${this.bucket}/${name}`, this.store.putBlob({ name }, data));
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    return (await translated(`Fetching ${this.bucket}/${name}`, this.store.getBlob(name))) ?? undefined;
  }

  async read(name: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const what = `Fetching ${this.bucket}/${name}`;
    const object = await translated(what, this.store.get(name));
    return object === null ? undefined : pieces(object, what);
  }

  async size(name: string): Promise<number | undefined> {
    const info = await translated(`Reading ${this.bucket}/${name}`, this.store.info(name));
    return info === null || info.deleted ? undefined : info.size;
  }

  async names(): Promise<string[]> {
    return [...(await this.storedAtMs()).keys()];
  }

  async storedAtMs(): Promise<Map<string, number>> {
    const objects = await translated(`Listing ${this.bucket}`, this.store.list());
    return new Map(objects.filter(({ deleted }) => !deleted).map(({ name, mtime }) => [name, Date.parse(mtime)]));
  }

  async delete(name: string): Promise<void> {
    if ((await this.size(name)) === undefined) return;
    await translated(`Deleting ${this.bucket}/${name}`, this.store.delete(name));
  }
}

/** What the client reads of an object; the digest is compared at its end. */
async function* pieces({ data, error }: ObjectResult, what: string): AsyncGenerator<Uint8Array, void, void> {
  const reader = data.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } catch (cause) {
    throw translate(cause, what);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  const failed = await error;
  if (failed instanceof Error) throw translate(failed, what);
}
