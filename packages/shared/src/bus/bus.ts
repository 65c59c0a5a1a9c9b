/**
 * The message bus as Slackline needs it: core messages, streams, keys, objects. One adapter (nats/) stands behind
 * it, and the conformance suite in test/bus says what any adapter must do.
 */
import type { SlacklineError } from '../errors.js';
import type { HeaderLines, HeaderReader, HeaderValues } from '../headers.js';

/** A message as it arrives. `data` must not be changed; it may be kept. */
export interface BusMessage {
  readonly subject: string;
  readonly reply: string | undefined;
  readonly headers: HeaderReader;
  readonly data: Uint8Array;
}

/** A message of a stream, un-acked until `ack` is called. */
export interface StreamMessage extends BusMessage {
  /** Position in the stream; the same for every delivery of a message. */
  readonly sequence: number;
  /** When the stream stored it, in milliseconds since 1970 by the broker's clock, with fractions. */
  readonly timestampMs: number;
  /** Tells the stream to forget the message; sent with the next write. */
  ack(): void;
}

export interface Subscription {
  /** Takes no new messages, lets those that arrived be handled, then ends. */
  drain(): Promise<void>;
}

export interface PublishOptions {
  /** Publishing throws TypeError for a name or a value that would end its line. */
  headers?: HeaderValues | HeaderLines;
  reply?: string;
}

export interface StreamConfig {
  name: string;
  subjects: string[];
  /** `workqueue`: a message goes once it is acked. `limits`: it stays until a bound is reached. */
  retention: 'workqueue' | 'limits';
  /** What a full stream does: refuse the new message, or forget the oldest. */
  discard: 'new' | 'old';
  storage: 'memory' | 'file';
  replicas: number;
  maxMessages?: number;
  maxBytes?: number;
  maxAgeMs?: number;
  /** How long a message id is remembered, so that a repeated publish is stored once. */
  duplicateWindowMs?: number;
}

export interface StreamState {
  messages: number;
  bytes: number;
  /** Grows by one with each stored message, and never otherwise. */
  lastSequence: number;
  /** When the stream was made: another time than before says that it was lost and made anew. */
  createdAt: string;
}

/**
 * A consumer of all of a stream. Not of some of its subjects: nats-server 2.9 does not deliver to a new consumer with a filter
 * all that an earlier one has left un-acked.
 */
export interface ConsumerConfig {
  stream: string;
  /** Durable name. */
  name: string;
  /** Messages come without their bodies: `data` is empty. */
  headersOnly?: boolean;
  ackWaitMs: number;
  maxAckPending: number;
  /** Messages asked for at a time. */
  prefetch: number;
  /** Told when the consumer is gone, deleted by somebody or lost by the broker: nothing is delivered any more. */
  onLost?: (reason: string) => void;
}

export interface Consumption {
  /** Ends deliveries; what is un-acked stays in the stream. */
  stop(): Promise<void>;
}

export interface PubAck {
  sequence: number;
  /** Whether the stream already held a message of this id. */
  duplicate: boolean;
}

/** Publishes to streams without a promise for each message: for those who publish thousands of them a second. */
export interface StreamPublisher {
  /**
   * Sends a message to the stream of `subject`. Nothing is timed here: where the broker says nothing, nobody is told.
   *
   * @param token a number from 0 that comes back with the broker's word; the caller's own, one for each that is under way
   */
  send(
    subject: string,
    data: Uint8Array,
    options: { id: string; token: number; headers?: HeaderValues | HeaderLines },
  ): void;
  /** Tells no more. */
  close(): Promise<void>;
}

export interface StreamPublisherListener {
  /** What the broker says of a message, by its token. */
  said(token: number, word: StreamWord): void;
  /** The broker does not let us publish there (`not_permitted`), and says no more of what was sent. */
  denied(subject: string, error: SlacklineError): void;
}

/** What became of a message: the stream has it, or the error why not (`stream_full`, `no_responders`, `bus_failed`). */
export type StreamWord = PubAck | SlacklineError;

export interface KeyEntry {
  key: string;
  value: Uint8Array;
  /** Grows with every write to the bucket. */
  revision: number;
}

/** A change of a key, as a watcher is shown it; without a value the key is gone. */
export interface KeyChange {
  key: string;
  value: Uint8Array | undefined;
  /** 0 where nobody deleted the key, and yet it is gone. */
  revision: number;
  /** Gone with the whole bucket, which a restarted broker kept in memory: nobody meant it. */
  lost?: boolean;
}

/** A bucket of keys with compare-and-set. Lost with a broker's memory, it is made again, empty, by the next use of it. */
export interface KeyBucket {
  get(key: string): Promise<KeyEntry | undefined>;
  put(key: string, value: Uint8Array): Promise<number>;
  /** Writes only if the key's revision is `revision` (0: absent). Throws `conflict`. */
  compareAndSet(key: string, value: Uint8Array, revision: number): Promise<number>;
  delete(key: string): Promise<void>;
  /**
   * Calls `onChange` for every key that is there and then for every change. Resolves when all that was there at the call
   * has been shown. After a reconnect what changed meanwhile is shown, also what was lost.
   */
  watch(onChange: (change: KeyChange) => void): Promise<Subscription>;
}

/** A bucket of large objects. Lost with a broker's memory, it is made again, empty, by the next use of it. */
export interface ObjectBucket {
  put(name: string, data: Uint8Array): Promise<void>;
  get(name: string): Promise<Uint8Array | undefined>;
  /** As `get`, piece by piece; the iteration fails where the object is not whole. Undefined: there is none of that name. */
  read(name: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Bytes of an object, or undefined when there is none of that name; nothing is fetched. */
  size(name: string): Promise<number | undefined>;
  /** Names of all objects, in no order. */
  names(): Promise<string[]>;
  /** When each object was stored, in milliseconds since 1970 by the clock of whoever stored it. */
  storedAtMs(): Promise<Map<string, number>>;
  /** Nothing happens when there is none of that name. */
  delete(name: string): Promise<void>;
}

export interface BucketConfig {
  storage: 'memory' | 'file';
  replicas: number;
  /** What is older goes by itself. Default: it stays. */
  maxAgeMs?: number;
}

export interface ServiceInfo {
  /** Letters, digits, `-` and `_`. */
  name: string;
  version: string;
  description: string;
  metadata?: Record<string, string>;
}

/** A process that has announced itself, as it is found by others. */
export interface ServiceInstance {
  /** What kind of service, e.g. `slackline-ingest`. */
  name: string;
  /** The announcement's own, given by the client: another one after each start. */
  id: string;
  version: string;
  metadata: Readonly<Record<string, string>>;
}

/** One round trip to the broker's clock: its time lies between the two readings of ours. */
export interface ClockReading {
  sentAtMs: number;
  receivedAtMs: number;
  brokerMs: number;
}

export type BusStatus = 'disconnected' | 'reconnected' | 'closed';

export interface Bus {
  /** Largest message the broker takes, headers included. */
  readonly maxPayloadBytes: number;
  /** The server's version, for features that must be detected. */
  readonly serverVersion: string;
  newInbox(): string;
  /**
   * Sent at the end of this turn of the event loop, with what else is published in it. `data` must not be changed any more: a
   * large one is sent from where it lies.
   */
  publish(subject: string, data: Uint8Array, options?: PublishOptions): void;
  /** Sends what was published so far without waiting for the end of the turn. */
  sendNow(): void;
  /** Throws `no_responders` or `timeout`. */
  request(
    subject: string,
    data: Uint8Array,
    options: { timeoutMs: number; headers?: HeaderValues },
  ): Promise<BusMessage>;
  /** What `handler` throws ends the process as an uncaught error; subscribers of one `queue` share the messages. */
  subscribe(subject: string, handler: (message: BusMessage) => void, options?: { queue?: string }): Subscription;
  /** Resolves when the broker has taken all that was published before. Throws `bus_failed` when the connection breaks first. */
  flush(): Promise<void>;

  /** Creates the stream, or brings it to `config` where the broker allows. */
  ensureStream(config: StreamConfig): Promise<void>;
  /** Throws `bus_failed` when there is no such stream. Costs a round trip: never on the hot path. */
  streamState(stream: string): Promise<StreamState>;
  /** Stores a message. Throws `stream_full`, `timeout`, `no_responders` or `bus_failed`; after `timeout` it may be stored. */
  publishToStream(
    subject: string,
    data: Uint8Array,
    options: { id: string; timeoutMs: number; headers?: HeaderValues | HeaderLines },
  ): Promise<PubAck>;
  /** As `publishToStream`, for many. */
  streamPublisher(listener: StreamPublisherListener): StreamPublisher;
  /**
   * Creates the durable consumer and delivers its messages. After a reconnect, and when nothing is heard of it any more, it
   * is made anew: what is un-acked is delivered again at once.
   */
  consume(config: ConsumerConfig, handler: (message: StreamMessage) => void): Promise<Consumption>;
  /** Names of the durable consumers of `stream`. */
  consumers(stream: string): Promise<string[]>;
  /** Ends a consumer wherever it lives: its un-acked messages are delivered again to the next one at once. */
  deleteConsumer(stream: string, name: string): Promise<void>;
  /** A stored message by its sequence, or undefined when it is gone. */
  readMessage(stream: string, sequence: number): Promise<BusMessage | undefined>;
  /** Reads the broker's clock through the stream `stream`, which keeps one message of `subject`. */
  readClock(stream: string, subject: string): Promise<ClockReading>;

  /** Opens the bucket, and creates it where it is not there. */
  keys(bucket: string, config: BucketConfig): Promise<KeyBucket>;
  /** Whether there is a bucket of keys of that name; none is created. */
  hasKeys(bucket: string): Promise<boolean>;
  objects(bucket: string, config: BucketConfig): Promise<ObjectBucket>;
  /** Makes the process answer `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`. */
  announce(info: ServiceInfo): Promise<void>;
  /** Every service that has announced itself, of whatever deployment, and that answers within `limitMs`; takes that long. */
  discover(limitMs: number): Promise<ServiceInstance[]>;
  onStatus(listener: (status: BusStatus) => void): void;
  /** Sends what is pending, ends every subscription, disconnects; without the first two where the broker does not answer. */
  close(): Promise<void>;
}
