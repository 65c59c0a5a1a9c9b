/** Streams of JetStream: made, looked at, written to, and read message by message. */

import { SlacklineError } from '../../errors.js';
import type { HeaderLines, HeaderValues } from '../../headers.js';
import type { Bus, BusMessage, ClockReading, PubAck, StreamConfig, StreamState } from '../bus.js';
import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  nanos,
  RetentionPolicy,
  StorageType,
} from './client.js';
import { readDirectly } from './direct-read.js';
import { isApiError, isRefusal, translate, translated } from './errors.js';
import { toHeaders } from './header-values.js';
import { headersOf } from './messages.js';

const clockTimeoutMs = 2_000;

/** What a stream or a bucket is kept in, as the client says it. */
export const storageOf = ({ storage }: { storage: 'memory' | 'file' }) =>
  storage === 'memory' ? StorageType.Memory : StorageType.File;

export class Streams {
  constructor(
    private readonly js: JetStreamClient,
    private readonly manager: JetStreamManager,
    private readonly bus: Pick<Bus, 'request'>,
  ) {}

  async ensure(config: StreamConfig): Promise<void> {
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
      storage: storageOf(config),
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

  async state(stream: string): Promise<StreamState> {
    const { state, created } = await translated(`Reading the stream ${stream}`, this.manager.streams.info(stream));
    return {
      messages: state.messages,
      bytes: state.bytes,
      lastSequence: state.last_seq,
      createdAt: String(created),
    };
  }

  async publish(
    subject: string,
    data: Uint8Array,
    options: { id: string; timeoutMs: number; headers?: HeaderValues | HeaderLines },
  ): Promise<PubAck> {
    const { id, timeoutMs, headers } = options;
    const call = this.js.publish(subject, data, {
      msgID: id,
      timeout: timeoutMs,
      ...(headers !== undefined && { headers: toHeaders(headers) }),
    });
    const ack = await translated(`Publishing to ${subject}`, call);
    return { sequence: ack.seq, duplicate: ack.duplicate };
  }

  async read(stream: string, sequence: number): Promise<BusMessage | undefined> {
    // That there is none is the leader's to say.
    return (await readDirectly(this.bus, stream, sequence)) ?? this.#readFromLeader(stream, sequence);
  }

  async #readFromLeader(stream: string, sequence: number): Promise<BusMessage | undefined> {
    try {
      const { subject, data, header } = await this.manager.streams.getMessage(stream, { seq: sequence });
      return { subject, reply: undefined, data, headers: headersOf(header) };
    } catch (error) {
      if (isApiError(error, 'noMessage')) return undefined;
      throw translate(error, `Reading message ${sequence} of ${stream}`);
    }
  }

  /** By a message of our own in a stream that keeps one: the stored timestamp lies between the two readings. */
  async readClock(stream: string, subject: string): Promise<ClockReading> {
    const read = async () => {
      for (;;) {
        const sentAtMs = performance.now();
        const ack = await this.js.publish(subject, new Uint8Array(0), { timeout: clockTimeoutMs });
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
}

/** A stream's bound is set aside when it is made. */
function tooLittleRoom({ name, maxBytes = 0, storage }: StreamConfig, cause: unknown): SlacklineError {
  const what = `The stream ${name} may hold ${maxBytes} bytes, for which this NATS has no room`;
  return new SlacklineError('stream_full', `${what}: bound it lower, or raise max_${storage}_store`, { cause });
}
