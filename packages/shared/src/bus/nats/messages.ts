/** Messages of the client as those of the bus: read from the bytes that came in, and only as far as somebody asks. */
import type { HeaderReader } from '../../headers.js';
import type { BusMessage, StreamMessage } from '../bus.js';
import { asBuffer } from './as-buffer.js';
import type { JsMsg, Msg, MsgHdrs } from './client.js';
import { HeaderBlock, noHeaders } from './header-block.js';

/** The client's message, with what it was parsed into. */
interface Parsed {
  /** The header block is the first `hdr` bytes of the data, -1 without one. */
  readonly _msg: { readonly subject: Uint8Array; readonly reply?: Uint8Array; readonly hdr: number };
  readonly _rdata: Uint8Array;
}

const parsedOf = (message: Msg): Parsed => message as unknown as Parsed;
const textOf = (bytes: Uint8Array): string => asBuffer(bytes).toString();

/** The headers of a stored message that was asked for by its sequence. */
export function headersOf(raw: MsgHdrs | undefined): HeaderReader {
  if (raw === undefined) return noHeaders;
  const values = new Map<string, string | undefined>();
  for (const [name, all] of raw) values.set(name, all[0]);
  return { get: (name) => values.get(name) };
}

export class CoreMessage implements BusMessage {
  readonly #parsed: Parsed;
  #headers: HeaderReader | undefined;
  #subject: string | undefined;
  #data: Uint8Array | undefined;

  constructor(message: Msg) {
    this.#parsed = parsedOf(message);
  }

  get subject(): string {
    this.#subject ??= textOf(this.#parsed._msg.subject);
    return this.#subject;
  }

  get reply(): string | undefined {
    const { reply } = this.#parsed._msg;
    return reply === undefined || reply.length === 0 ? undefined : textOf(reply);
  }

  get data(): Uint8Array {
    this.#data ??= bodyOf(this.#parsed);
    return this.#data;
  }

  get headers(): HeaderReader {
    this.#headers ??= headerBlockOf(this.#parsed);
    return this.#headers;
  }
}

/** Sends acks, given the reply subject of the message as it came. False: the connection takes none. */
export type SendAck = (reply: Uint8Array) => boolean;

export class StoredMessage implements StreamMessage {
  readonly reply = undefined;
  readonly sequence: number;
  readonly timestampMs: number;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly #parsed: Parsed;

  constructor(
    private readonly message: JsMsg,
    private readonly sendAck: SendAck,
  ) {
    this.#parsed = parsedOf(Reflect.get(message, 'msg'));
    const { subject, reply = none } = this.#parsed._msg;
    const place = placeOf(reply);
    this.sequence = place.sequence;
    this.timestampMs = place.timestampMs;
    this.subject = textOf(subject);
    this.data = bodyOf(this.#parsed);
  }

  /** Read once, by whoever takes the message in; it may be held for long after. */
  get headers(): HeaderReader {
    return headerBlockOf(this.#parsed);
  }

  ack(): void {
    const { reply } = this.#parsed._msg;
    if (reply === undefined || !this.sendAck(reply)) this.message.ack();
  }
}

const none = new Uint8Array(0);

const bodyOf = ({ _msg: { hdr }, _rdata }: Parsed): Uint8Array => (hdr > 0 ? _rdata.subarray(hdr) : _rdata);
const headerBlockOf = ({ _msg: { hdr }, _rdata }: Parsed): HeaderReader =>
  hdr > 0 ? new HeaderBlock(_rdata.subarray(0, hdr)) : noHeaders;

const dot = 46;
const zero = 48;
/** Without a domain and the hash of an account; with them there are eleven or more. */
const shortTokens = 9;

/**
 * Where a message stands in its stream: `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<delivery>.<time>.<pending>`,
 * with `<domain>.<account>` before the stream in the longer form.
 * https://docs.nats.io/reference/reference-protocols/nats_api_reference
 */
export function placeOf(reply: Uint8Array): { sequence: number; timestampMs: number } {
  let tokens = 1;
  for (const byte of reply) if (byte === dot) tokens++;
  const first = tokens === shortTokens ? 5 : 7;
  const sequence = numberAt(reply, first);
  return { sequence, timestampMs: numberAt(reply, first + 2) / 1e6 };
}

/** The number that is the token at that place. */
function numberAt(subject: Uint8Array, place: number): number {
  let at = 0;
  for (let passed = 0; passed < place && at < subject.length; at++) if (subject[at] === dot) passed++;
  let value = 0;
  for (; at < subject.length && subject[at] !== dot; at++) value = value * 10 + ((subject[at] ?? zero) - zero);
  return value;
}
