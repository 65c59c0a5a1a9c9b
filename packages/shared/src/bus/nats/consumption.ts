/** Consumers of streams: made, made anew when they are gone or silent, listed and ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumerConfig, Consumption, StreamMessage } from '../bus.js';
import {
  AckPolicy,
  ConsumerEvents,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  nanos,
} from './client.js';
import { isApiError, translated } from './errors.js';
import { shielded } from './handlers.js';
import type { Keep } from './kept.js';
import { type SendAck, StoredMessage } from './messages.js';

const pullExpiresMs = 5_000;
/** An idle consumer says so often that it is there; after two times of silence it is made anew. */
const beatMs = 1_000;

const lossEvents: ReadonlySet<string> = new Set([
  ConsumerEvents.ConsumerDeleted,
  ConsumerEvents.ConsumerNotFound,
  ConsumerEvents.StreamNotFound,
]);

export class Consumers {
  constructor(
    private readonly js: JetStreamClient,
    private readonly manager: JetStreamManager,
    private readonly keep: Keep,
    private readonly sendAck: SendAck,
  ) {}

  async consume(config: ConsumerConfig, handler: (message: StreamMessage) => void): Promise<Consumption> {
    const callback = shielded((message: JsMsg) => handler(new StoredMessage(message, this.sendAck)));
    let isFirst = true;
    const kept = this.keep(async (signal) => {
      // What was on its way when the connection broke would come again only after the ack wait; the client for its part may
      // never pull again. A new consumer gets everything un-acked at once.
      if (!isFirst) await this.#forget(config);
      isFirst = false;
      return this.#open(config, callback, { signal, onSilence: () => kept.again() });
    });
    await translated(`Consuming the stream ${config.stream}`, kept.start());
    return { stop: () => kept.stop() };
  }

  async names(stream: string): Promise<string[]> {
    const names: string[] = [];
    const list = async () => {
      for await (const info of this.manager.consumers.list(stream)) names.push(info.name);
      return names;
    };
    return translated(`Listing the consumers of ${stream}`, list());
  }

  async delete(stream: string, name: string): Promise<void> {
    await translated(`Deleting the consumer ${name}`, this.#forget({ stream, name }));
  }

  async #open(
    config: ConsumerConfig,
    callback: (message: JsMsg) => void,
    { signal, onSilence }: { signal: AbortSignal; onSilence: () => void },
  ): Promise<() => Promise<void>> {
    await this.manager.consumers.add(config.stream, {
      durable_name: config.name,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(config.ackWaitMs),
      max_ack_pending: config.maxAckPending,
      mem_storage: true,
      ...(config.headersOnly && { headers_only: true }),
    });
    const consumer = await this.js.consumers.get(config.stream, config.name);
    if (signal.aborted) return () => Promise.resolve();
    const messages = await consumer.consume({
      max_messages: config.prefetch,
      expires: pullExpiresMs,
      idle_heartbeat: beatMs,
      callback,
    });
    let isRenewed = false;
    // Ends with the messages. The client would go on asking a consumer that is gone, without a word.
    const watchLoss = async () => {
      for await (const { type } of await messages.status()) {
        if (isRenewed) continue;
        if (lossEvents.has(type)) config.onLost?.(type.replaceAll('_', ' '));
        // The server that kept it is gone or stood still, though ours is there: what it had sent, and acks, may be lost.
        if (type !== ConsumerEvents.HeartbeatsMissed) continue;
        isRenewed = true;
        void this.#renew(config, signal, onSilence);
      }
    };
    void watchLoss();
    return async () => {
      await messages.close();
    };
  }

  /** Forgets a silent consumer and says so: until the new one is there, the old one serves, if it comes back. Never rejects. */
  async #renew(config: ConsumerConfig, signal: AbortSignal, onSilence: () => void): Promise<void> {
    // It takes the cluster's own leader, which may be away for longer than the consumer's. Aborted by the opening that follows.
    while (!signal.aborted) {
      try {
        await this.#forget(config);
        onSilence();
      } catch {
        await sleep(beatMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** One that is gone is deleted. */
  async #forget({ stream, name }: Pick<ConsumerConfig, 'stream' | 'name'>): Promise<void> {
    try {
      await this.manager.consumers.delete(stream, name);
    } catch (error) {
      if (!isApiError(error, 'noConsumer')) throw error;
    }
  }
}
