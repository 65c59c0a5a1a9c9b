/** Messages of the client as those of the bus, and headers both ways. */
import type { HeaderReader, HeaderValues } from '../../headers.js';
import type { BusMessage, StreamMessage } from '../bus.js';
import { createHeaders, type JsMsg, type Msg, type MsgHdrs } from './client.js';
import { isDamaged } from './header-guard.js';

const noHeaders: HeaderReader = { get: () => undefined };

class Headers implements HeaderReader {
  readonly isDamaged: boolean;
  /** The first value of each name. The client's own reader lists all names at every look. */
  readonly #values = new Map<string, string | undefined>();

  constructor(raw: MsgHdrs) {
    this.isDamaged = isDamaged(raw);
    if (this.isDamaged) return;
    for (const [name, values] of raw) this.#values.set(name, values[0]);
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }
}

/** The headers of a message, where it has any. */
export const headersOf = (raw: MsgHdrs | undefined): HeaderReader => (raw === undefined ? noHeaders : new Headers(raw));

export class CoreMessage implements BusMessage {
  #headers: HeaderReader | undefined;

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
    this.#headers ??= headersOf(this.message.headers);
    return this.#headers;
  }
}

export class StoredMessage implements StreamMessage {
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

  /** Read once, by whoever takes the message in; it may be held for long after. */
  get headers(): HeaderReader {
    return headersOf(this.message.headers);
  }

  ack() {
    this.message.ack();
  }
}

/** Headers as the client sends them. Throws for a name or a value that would end the header block. */
export function toHeaders(values: HeaderValues | undefined): MsgHdrs | undefined {
  if (values === undefined) return undefined;
  const result = createHeaders();
  for (const name in values) result.append(name, values[name] ?? '');
  return result;
}
