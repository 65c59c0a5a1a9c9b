/** Publishes to streams, with one subscription for all that the broker says of it. */
import { SlacklineError } from '../../errors.js';
import { HeaderLines, type HeaderValues, headerNames } from '../../headers.js';
import type { Bus, BusMessage, StreamPublisher, StreamPublisherListener, StreamWord, Subscription } from '../bus.js';
import { translate } from './errors.js';

/** What a stream answers, as far as it is read here. */
interface Reply {
  stream?: string;
  seq?: number;
  duplicate?: boolean;
  error?: { err_code?: number; description?: string };
}

const radix = 36;

export class NatsStreamPublisher implements StreamPublisher {
  readonly #inbox: string;
  readonly #subscription: Subscription;

  constructor(
    private readonly bus: Pick<Bus, 'newInbox' | 'publish' | 'subscribe'>,
    private readonly listener: StreamPublisherListener,
    private readonly onClose: () => void = () => {},
  ) {
    this.#inbox = `${bus.newInbox()}.`;
    this.#subscription = bus.subscribe(`${this.#inbox}*`, (message) => this.#take(message));
  }

  send(
    subject: string,
    data: Uint8Array,
    options: { id: string; token: number; headers?: HeaderValues | HeaderLines },
  ): void {
    const { id, token, headers = HeaderLines.none } = options;
    this.bus.publish(subject, data, {
      headers: HeaderLines.of(headers).and(headerNames.messageId, id),
      reply: this.#inbox + token.toString(radix),
    });
  }

  close(): Promise<void> {
    this.onClose();
    return this.#subscription.drain();
  }

  #take(message: BusMessage): void {
    const token = Number.parseInt(message.subject.slice(this.#inbox.length), radix);
    if (!Number.isNaN(token)) this.listener.said(token, wordOf(message));
  }
}

function wordOf({ data }: BusMessage): StreamWord {
  // The broker's word that no stream takes the subject has no body.
  if (data.length === 0) return new SlacklineError('no_responders', 'Publishing to a stream: nobody listens');
  let reply: Reply;
  try {
    reply = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString());
  } catch (cause) {
    return new SlacklineError('bus_failed', 'The broker answered a publish with something else than JSON', { cause });
  }
  const { stream = '', seq, duplicate = false, error } = reply;
  if (error === undefined && stream !== '' && typeof seq === 'number') return { sequence: seq, duplicate };
  const refusal = Object.assign(new Error(error?.description ?? 'no word of a stream'), { api_error: error });
  return translate(refusal, 'Publishing to a stream');
}
