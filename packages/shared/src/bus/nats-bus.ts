/** The one file that knows the NATS client: the Bus on core NATS and JetStream. */
import {
  AckPolicy,
  type Authenticator,
  ConsumerEvents,
  connect,
  headers as createHeaders,
  createInbox,
  credsAuthenticator,
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
  type Subscription as NatsSubscription,
  nanos,
  nkeyAuthenticator,
  type ObjectResult,
  type ObjectStore,
  RetentionPolicy,
  StorageType,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from 'nats';
import { hasCode, SlacklineError } from '../errors.js';
import type { HeaderReader, HeaderValues } from '../headers.js';
import { type BusAccess, readAccess, splitUrls } from './access.js';
import type {
  BucketConfig,
  Bus,
  BusMessage,
  BusStatus,
  ClockReading,
  ConsumerConfig,
  Consumption,
  KeyBucket,
  KeyChange,
  KeyEntry,
  ObjectBucket,
  PubAck,
  PublishOptions,
  ServiceInfo,
  ServiceInstance,
  StreamConfig,
  StreamMessage,
  StreamState,
  Subscription,
} from './bus.js';
import { discoverServices } from './discovery.js';
import { guardHeaders, isDamaged } from './header-guard.js';
import { Kept, type Open } from './kept.js';
import { KeyView } from './key-view.js';
import { guardMessages } from './message-guard.js';
import { isApiError, isMissing, isRefusal, translate, translated } from './nats-errors.js';
import { type Denial, denialOf, refusalIn, warnOfDenial } from './nats-refusals.js';
import { guardStale } from './stale-guard.js';

export interface ConnectOptions {
  /** One URL, or several of a cluster with commas. */
  url: string;
  /** Shown by the broker's monitoring. */
  name: string;
  /** How long to try before `nats_unreachable` is thrown. */
  timeoutMs?: number;
  /** Who this process is to NATS; default: what the environment's NATS_… variables say. */
  access?: BusAccess;
  /** Whether to make sure at once that JetStream answers; default true. Accounts of tenants have none. */
  needsJetStream?: boolean;
  /** Told of every subject that the broker does not let this process use; default: a warning of the process. */
  onDenied?: (denial: Denial) => void;
}

const pullExpiresMs = 5_000;
/** An idle consumer says so often that it is there; after two times of silence it is made anew. */
const consumerBeatMs = 1_000;
const retryConnectMs = 100;
/** With two unanswered, a silent connection is given up at the third: a process that hears nothing serves nobody. */
const pingEveryMs = 1_000;
/** A broker that does not answer for so long will not take the last words any more. */
const closeLimitMs = 5_000;

guardHeaders(createHeaders());

/**
 * Connects, and stays connected: it reconnects for as long as it is open. Throws `nats_unreachable`, and at once
 * `nats_unauthorized`, `nats_untrusted` or `not_permitted`, which waiting would not mend, and what `readAccess` throws.
 */
export async function connectBus(options: ConnectOptions): Promise<Bus> {
  const deadline = performance.now() + (options.timeoutMs ?? 10_000);
  const urls = splitUrls(options.url);
  const access = { ...urls.access, ...(options.access ?? readAccess(process.env)) };
  const where = urls.servers.join(', ');
  for (;;) {
    try {
      const connection = await connect({
        servers: urls.servers,
        name: options.name,
        timeout: 2_000,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100,
        reconnectJitter: 100,
        reconnectJitterTLS: 100,
        pingInterval: pingEveryMs,
        maxPingOut: 2,
        // A stack trace per request costs a third of a busy sender's time, and ours name the subject anyway.
        noAsyncTraces: true,
        ...authenticationOf(access),
      });
      try {
        const manager = await connection.jetstreamManager({ checkAPI: options.needsJetStream ?? true });
        guardMessages(connection);
        guardStale(connection);
        return new NatsBus(connection, connection.jetstream(), manager, {
          inboxPrefix: access.inboxPrefix,
          onDenied: options.onDenied ?? warnOfDenial,
        });
      } catch (error) {
        await connection.close();
        throw error;
      }
    } catch (cause) {
      const refusal = refusalIn(cause, where);
      if (refusal !== undefined) throw refusal;
      if (performance.now() > deadline) {
        const why = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
        throw new SlacklineError('nats_unreachable', `No NATS with JetStream answers at ${where}${why}`, { cause });
      }
      await new Promise((resolve) => setTimeout(resolve, retryConnectMs));
    }
  }
}

/** The client's options for who we are. */
function authenticationOf(access: BusAccess) {
  const { nkeySeed, credentials, user, password, token, tls, inboxPrefix } = access;
  const authenticators: Authenticator[] = [];
  if (nkeySeed !== undefined) authenticators.push(nkeyAuthenticator(nkeySeed));
  if (credentials !== undefined) authenticators.push(credsAuthenticator(credentials));
  if (user !== undefined) authenticators.push(usernamePasswordAuthenticator(user, password));
  if (token !== undefined) authenticators.push(tokenAuthenticator(token));
  return {
    ...(authenticators.length > 0 && { authenticator: authenticators }),
    ...(tls !== undefined && { tls }),
    ...(inboxPrefix !== undefined && { inboxPrefix }),
  };
}

const noHeaders: HeaderReader = { get: () => undefined };

class Headers implements HeaderReader {
  readonly isDamaged: boolean;
  constructor(private readonly raw: MsgHdrs) {
    this.isDamaged = isDamaged(raw);
  }
  get(name: string): string | undefined {
    return !this.isDamaged && this.raw.has(name) ? this.raw.get(name) : undefined;
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

const storageOf = ({ storage }: BucketConfig) => (storage === 'memory' ? StorageType.Memory : StorageType.File);

const drainable = (subscription: NatsSubscription): Subscription => ({
  drain: () => (subscription.isClosed() ? Promise.resolve() : subscription.drain()),
});

class NatsBus implements Bus {
  readonly maxPayloadBytes: number;
  readonly serverVersion: string;
  readonly #listeners: ((status: BusStatus) => void)[] = [];
  readonly #kept = new Set<Kept>();

  constructor(
    private readonly connection: NatsConnection,
    private readonly js: JetStreamClient,
    private readonly manager: JetStreamManager,
    private readonly ours: { inboxPrefix: string | undefined; onDenied: (denial: Denial) => void },
  ) {
    this.maxPayloadBytes = connection.info?.max_payload ?? 1_048_576;
    this.serverVersion = connection.info?.version ?? '';
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
    return translated('Flushing the connection', this.connection.flush());
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
      if (isApiError(error, 'streamFull')) throw tooLittleRoom(config, error);
      // It is there with other settings: bring it up to date; what cannot change (storage) stays as it was created.
      if (!isRefusal(error)) throw translate(error, what);
      await translated(what, this.manager.streams.update(config.name, settings));
    }
  }

  async streamState(stream: string): Promise<StreamState> {
    const { state, created } = await translated(`Reading the stream ${stream}`, this.manager.streams.info(stream));
    return {
      messages: state.messages,
      bytes: state.bytes,
      lastSequence: state.last_seq,
      createdAt: String(created),
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
    let isFirst = true;
    const kept = this.#keep(async (signal) => {
      // What was on its way when the connection broke would come again only after the ack wait; the client for its part may
      // never pull again. A new consumer gets everything un-acked at once.
      if (!isFirst) await this.#forgetConsumer(config);
      isFirst = false;
      return this.#openConsumer(config, handler, { signal, onSilence: () => kept.again() });
    });
    await translated(`Consuming the stream ${config.stream}`, kept.start());
    return { stop: () => kept.stop() };
  }

  async #openConsumer(
    config: ConsumerConfig,
    handler: (message: StreamMessage) => void,
    { signal, onSilence }: { signal: AbortSignal; onSilence: () => void },
  ): Promise<() => Promise<void>> {
    await this.manager.consumers.add(config.stream, {
      durable_name: config.name,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(config.ackWaitMs),
      max_ack_pending: config.maxAckPending,
      mem_storage: true,
    });
    const consumer = await this.js.consumers.get(config.stream, config.name);
    if (signal.aborted) return () => Promise.resolve();
    const messages = await consumer.consume({
      max_messages: config.prefetch,
      expires: pullExpiresMs,
      idle_heartbeat: consumerBeatMs,
      callback: (message) => outside(() => handler(new StoredMessage(message))),
    });
    let isRenewed = false;
    const renew = async () => {
      isRenewed = true;
      // It takes the cluster's own leader, which may be away for longer than the consumer's: until then the old one serves.
      while (!signal.aborted) {
        try {
          await this.#forgetConsumer(config);
          onSilence();
        } catch {
          await new Promise((resolve) => setTimeout(resolve, consumerBeatMs));
        }
      }
    };
    // Ends with the messages. The client would go on asking a consumer that is gone, without a word.
    const watchLoss = async () => {
      for await (const { type } of await messages.status()) {
        if (isRenewed) continue;
        if (lostConsumer.has(type)) config.onLost?.(type.replaceAll('_', ' '));
        // The server that kept it is gone or stood still, though ours is there: what it had sent, and acks, may be lost.
        if (type === ConsumerEvents.HeartbeatsMissed) void renew();
      }
    };
    void watchLoss();
    return async () => {
      await messages.close();
    };
  }

  async #forgetConsumer({ stream, name }: ConsumerConfig): Promise<void> {
    try {
      await this.manager.consumers.delete(stream, name);
    } catch (error) {
      if (!isApiError(error, 'noConsumer')) throw error;
    }
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
      if (isApiError(error, 'noMessage')) return undefined;
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
      if (isApiError(error, 'noMessage')) return undefined;
      throw error;
    }
  }

  async keys(bucket: string, config: BucketConfig): Promise<KeyBucket> {
    const open = async () => {
      const kv = await this.js.views.kv(bucket, {
        history: 1,
        replicas: config.replicas,
        storage: storageOf(config),
        ...(config.maxAgeMs !== undefined && { ttl: config.maxAgeMs }),
      });
      await this.#replicate(`KV_${bucket}`, config.replicas);
      return kv;
    };
    const kv = await translated(`Opening the bucket ${bucket}`, open());
    return new NatsKeys(kv, bucket, open, (opening) => this.#keep(opening));
  }

  /** A bucket may have been made by somebody who knew of fewer copies. */
  async #replicate(stream: string, replicas: number): Promise<void> {
    const { config } = await this.manager.streams.info(stream);
    if (config.num_replicas < replicas) await this.manager.streams.update(stream, { num_replicas: replicas });
  }

  async hasKeys(bucket: string): Promise<boolean> {
    try {
      await this.manager.streams.info(`KV_${bucket}`);
      return true;
    } catch (error) {
      if (isApiError(error, 'noStream')) return false;
      throw translate(error, `Looking for the bucket ${bucket}`);
    }
  }

  async objects(bucket: string, config: BucketConfig): Promise<ObjectBucket> {
    const open = async () => {
      await this.#makeObjectStore(bucket, config);
      return this.js.views.os(bucket);
    };
    const store = await translated(`Opening the object store ${bucket}`, open());
    const purge = (filter: string) => this.manager.streams.purge(`OBJ_${bucket}`, { filter });
    return new NatsObjects(store, bucket, open, purge);
  }

  /** What the client would send has a field that servers since 2.12 refuse. */
  async #makeObjectStore(bucket: string, config: BucketConfig): Promise<void> {
    const name = `OBJ_${bucket}`;
    try {
      await this.#replicate(name, config.replicas);
    } catch (error) {
      if (!isApiError(error, 'noStream')) throw error;
      await this.manager.streams.add({
        name,
        subjects: [`$O.${bucket}.C.>`, `$O.${bucket}.M.>`],
        storage: storageOf(config),
        num_replicas: config.replicas,
        max_age: nanos(config.maxAgeMs ?? 0),
        discard: DiscardPolicy.New,
        allow_rollup_hdrs: true,
        allow_direct: true,
      });
    }
  }

  async announce(info: ServiceInfo): Promise<void> {
    await translated('Announcing the service', this.connection.services.add(info));
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
    await Promise.race([this.#drain(), tooLate]);
    clearTimeout(timer);
    if (!this.connection.isClosed()) await this.connection.close();
  }

  async #drain(): Promise<void> {
    await Promise.all([...this.#kept].map((kept) => kept.stop()));
    if (!this.connection.isClosed()) await this.connection.drain();
  }

  async #watchStatus(): Promise<void> {
    let isConnected = true;
    for await (const status of this.connection.status()) {
      const { permissionContext } = status;
      if (permissionContext !== undefined) outside(() => this.ours.onDenied(denialOf(permissionContext)));
      // The client tells twice of an attempt that failed half way.
      if (status.type === Events.Disconnect && isConnected) {
        isConnected = false;
        this.#tell('disconnected');
      }
      if (status.type !== Events.Reconnect || isConnected) continue;
      isConnected = true;
      this.#tell('reconnected');
      // Perhaps another broker, or one that has forgotten: pulls and watches of before may be waited for in vain.
      for (const kept of [...this.#kept]) kept.again();
    }
  }

  /** Something that is opened anew after every reconnect. */
  #keep(open: Open): Kept {
    const kept = new Kept(open, () => this.#kept.delete(kept));
    this.#kept.add(kept);
    return kept;
  }

  #tell(status: BusStatus): void {
    for (const listener of this.#listeners) listener(status);
  }
}

/** A stream's bound is set aside when it is made. */
function tooLittleRoom({ name, maxBytes = 0, storage }: StreamConfig, cause: unknown): SlacklineError {
  const what = `The stream ${name} may hold ${maxBytes} bytes, for which this NATS has no room`;
  return new SlacklineError('stream_full', `${what}: bound it lower, or raise max_${storage}_store`, { cause });
}

/** A bucket of either kind. One that went with the broker's memory is made again by whoever next uses it. */
class Bucket<T> {
  constructor(
    private view: T,
    private readonly open: () => Promise<T>,
  ) {}

  /** `what` begins the sentence of an error. */
  async use<R>(what: string, call: (view: T) => Promise<R>): Promise<R> {
    return this.#againIf(isMissing, what, call);
  }

  /** As `use`, for what may be done twice: servers before 2.10 say nothing to a read from a bucket that is not there. */
  async read<R>(what: string, call: (view: T) => Promise<R>): Promise<R> {
    return this.#againIf((error) => isMissing(error) || hasCode(translate(error, what), 'timeout'), what, call);
  }

  async #againIf<R>(isWorthIt: (error: unknown) => boolean, what: string, call: (view: T) => Promise<R>): Promise<R> {
    try {
      return await call(this.view);
    } catch (error) {
      if (!isWorthIt(error)) throw translate(error, what);
      return await translated(what, this.reopen().then(call));
    }
  }

  async reopen(): Promise<T> {
    this.view = await this.open();
    return this.view;
  }
}

class NatsKeys implements KeyBucket {
  readonly #kv: Bucket<KV>;

  constructor(
    kv: KV,
    private readonly bucket: string,
    open: () => Promise<KV>,
    private readonly keep: (open: Open) => Kept,
  ) {
    this.#kv = new Bucket(kv, open);
  }

  async get(key: string): Promise<KeyEntry | undefined> {
    const entry = await this.#kv.read(`Reading ${this.bucket}/${key}`, (kv) => kv.get(key));
    if (entry === null || entry.operation !== 'PUT') return undefined;
    return { key, value: entry.value, revision: entry.revision };
  }

  put(key: string, value: Uint8Array): Promise<number> {
    return this.#kv.use(`Writing ${this.bucket}/${key}`, (kv) => kv.put(key, value));
  }

  compareAndSet(key: string, value: Uint8Array, revision: number): Promise<number> {
    const write = (kv: KV) => (revision === 0 ? kv.create(key, value) : kv.update(key, value, revision));
    return this.#kv.use(`Writing ${this.bucket}/${key}`, write);
  }

  delete(key: string): Promise<void> {
    return this.#kv.use(`Deleting ${this.bucket}/${key}`, (kv) => kv.delete(key));
  }

  async watch(onChange: (change: KeyChange) => void): Promise<Subscription> {
    const view = new KeyView((change) => outside(() => onChange(change)));
    const kept = this.keep((signal) => this.#openWatch(view, signal, () => kept.again()));
    await translated(`Watching ${this.bucket}`, kept.start());
    return { drain: () => kept.stop() };
  }

  async #openWatch(view: KeyView, signal: AbortSignal, onEnd: () => void): Promise<() => Promise<void>> {
    const kv = await this.#kv.reopen();
    const { streamInfo } = await kv.status();
    view.begin(String(streamInfo.created));
    let shown: () => void = () => {};
    const allShown = new Promise<void>((resolve) => {
      shown = resolve;
    });
    const entries = await kv.watch({ initializedFn: shown });
    // Of a listing that never ends nothing more is wanted.
    signal.addEventListener('abort', () => entries.stop());
    const over = (async () => {
      for await (const { key, revision, operation, value } of entries) {
        view.entry(key, revision, operation === 'PUT' ? value : undefined);
      }
    })();
    // The client ends the iteration, or makes it fail, when the bucket is gone.
    const ended = over.catch(() => undefined).then(() => 'ended' as const);
    if ((await Promise.race([allShown, ended])) === 'ended') {
      throw new SlacklineError('bus_failed', `Watching ${this.bucket} ended before everything was shown`);
    }
    view.end();
    void ended.then(() => {
      if (!signal.aborted) onEnd();
    });
    return async () => {
      entries.stop();
      await ended;
    };
  }
}

class NatsObjects implements ObjectBucket {
  readonly #store: Bucket<ObjectStore>;

  constructor(
    store: ObjectStore,
    private readonly bucket: string,
    open: () => Promise<ObjectStore>,
    /** Removes the messages of a subject. */
    private readonly purge: (subject: string) => Promise<unknown>,
  ) {
    this.#store = new Bucket(store, open);
  }

  async put(name: string, data: Uint8Array): Promise<void> {
    await this.#store.use(`Storing ${this.bucket}/${name}`, (store) => store.putBlob({ name }, data));
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    return (await this.#store.use(`Fetching ${this.bucket}/${name}`, (store) => store.getBlob(name))) ?? undefined;
  }

  async read(name: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const what = `Fetching ${this.bucket}/${name}`;
    const object = await this.#store.use(what, (store) => store.get(name));
    return object === null ? undefined : pieces(object, what);
  }

  async size(name: string): Promise<number | undefined> {
    const info = await this.#store.use(`Reading ${this.bucket}/${name}`, (store) => store.info(name));
    return info === null || info.deleted ? undefined : info.size;
  }

  async names(): Promise<string[]> {
    return [...(await this.storedAtMs()).keys()];
  }

  async storedAtMs(): Promise<Map<string, number>> {
    const objects = await this.#store.use(`Listing ${this.bucket}`, (store) => store.list());
    return new Map(objects.filter(({ deleted }) => !deleted).map(({ name, mtime }) => [name, Date.parse(mtime)]));
  }

  async delete(name: string): Promise<void> {
    const what = `Deleting ${this.bucket}/${name}`;
    const info = await this.#store.use(what, (store) => store.info(name));
    if (info === null || info.deleted) return;
    try {
      await this.#store.use(what, (store) => store.delete(name));
    } catch (error) {
      if (!hasCode(error, 'stream_full')) throw error;
      // That it is deleted is a message too, for which there is room once its pieces are gone.
      await translated(what, this.purge(`$O.${this.bucket}.C.${info.nuid}`));
      await this.#store.use(what, (store) => store.delete(name));
    }
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
