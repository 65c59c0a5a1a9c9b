/**
 * What goes out of a connection, in place of the client's own buffer: each message is written once, as it will lie on the
 * wire, behind the one before. The client makes an array for the command, one for the headers and one for the body of every
 * message, and copies all of them together at the end.
 *
 * https://docs.nats.io/reference/reference-protocols/nats-protocol
 */
import type { NatsConnection } from './client.js';

/** Below glibc's threshold for mapping memory anew, which costs a page fault every 4 KiB. */
const slabBytes = 64 * 1024;
/** A body of this size is sent from where it lies: writing it here would copy it once more. */
const largeBytes = 16 * 1024;
/** Command and ends of lines beside subject, reply, headers and body: two lengths of at most ten digits each. */
const frameBytes = 64;

const version = 'NATS/1.0\r\n';
const ack = Buffer.from(' 4\r\n+ACK\r\n');
const publish = Buffer.from('PUB ');
const lineEnd = Buffer.from('\r\n');
/** In subjects: what is no byte of its own, and what would end the command. */
const unusual = /[^!-~]/;
/** As the client does: what has come together to this size is sent without waiting for the rest of the turn. */
const sendAtBytes = 64 * 1024;

/** The client's connection, as far as it is used here. */
interface Protocol {
  outbound: ClientBuffer;
  outMsgs: number;
  outBytes: number;
  noMorePublishing?: boolean;
  readonly connected: boolean;
  readonly infoReceived: boolean;
  readonly info?: { max_payload?: number; headers?: boolean };
  readonly transport?: Transport;
  isClosed(): boolean;
  flushPending(): void;
}

interface Transport {
  readonly socket?: { cork(): void; uncork(): void } | undefined;
  send(bytes: Uint8Array): void;
}

/** What the client calls of its buffer. */
interface ClientBuffer {
  fill(first: Uint8Array | undefined, ...others: (Uint8Array | undefined)[]): void;
  drain(): Uint8Array;
  reset(): void;
  /** 0 when nothing waits: then the client plans the next write. */
  length(): number;
  size(): number;
}

export class Outbound implements ClientBuffer {
  /** Complete, in order, before what lies in the slab. */
  #parts: Uint8Array[] = [];
  #slab = Buffer.allocUnsafeSlow(slabBytes);
  /** Of the slab: what was sent ends at the first, what is written at the second. */
  #from = 0;
  #to = 0;
  #waitingBytes = 0;
  #isPlanned = false;

  private constructor(private readonly protocol: Protocol) {}

  /**
   * Takes the place of the connection's own buffer.
   *
   * @returns undefined where the client is not made as it is expected: it then goes on with its own
   */
  static of(connection: NatsConnection): Outbound | undefined {
    const protocol: unknown = Reflect.get(connection, 'protocol');
    if (!isProtocol(protocol)) return undefined;
    const outbound = new Outbound(protocol);
    const waiting = protocol.outbound.size() > 0 ? protocol.outbound.drain() : undefined;
    protocol.outbound = outbound;
    outbound.fill(waiting);
    protocol.flushPending = () => outbound.send();
    return outbound;
  }

  /**
   * Publishes a message, where the connection takes any.
   *
   * @param headers lines of a header block, each with its end; a character for each byte
   * @returns false when nothing was written: the client says why
   */
  publish(subject: string, reply: string | undefined, headers: string, data: Uint8Array): boolean {
    const { protocol } = this;
    const { info } = protocol;
    if (subject === '' || protocol.noMorePublishing || protocol.isClosed() || info === undefined) return false;
    const hasHeaders = headers !== '';
    if (hasHeaders && !info.headers) return false;
    const headerBytes = hasHeaders ? version.length + headers.length + 2 : 0;
    const bytes = headerBytes + data.length;
    if (bytes > (info.max_payload ?? Number.POSITIVE_INFINITY)) return false;
    const to = reply === undefined ? subject : `${subject} ${reply}`;
    if (unusual.test(subject) || (reply !== undefined && unusual.test(reply))) return false;
    const head = hasHeaders
      ? `HPUB ${to} ${headerBytes} ${bytes}\r\n${version}${headers}\r\n`
      : `PUB ${to} ${bytes}\r\n`;
    protocol.outMsgs++;
    protocol.outBytes += bytes;
    this.#reserve(head.length + (data.length < largeBytes ? data.length : 0) + frameBytes);
    this.#slab.write(head, this.#to, 'latin1');
    this.#to += head.length;
    this.#waitingBytes += head.length;
    this.#body(data);
    this.#written();
    return true;
  }

  /** Acks a message of a stream. @param reply its reply subject, as it came */
  ack(reply: Uint8Array): boolean {
    if (this.protocol.noMorePublishing || this.protocol.isClosed()) return false;
    this.#reserve(reply.length + frameBytes);
    this.#put(publish);
    this.#put(reply);
    this.#put(ack);
    this.protocol.outMsgs++;
    this.#written();
    return true;
  }

  /** Hands what is written to the socket. Nothing happens while there is no connection: what is written waits for it. */
  send(): void {
    const { protocol } = this;
    if (this.#waitingBytes === 0 || !protocol.infoReceived || !protocol.connected) return;
    const parts = this.#take();
    const { transport } = protocol;
    if (parts.length > 1) transport?.socket?.cork();
    for (const part of parts) transport?.send(part);
    if (parts.length > 1) transport?.socket?.uncork();
  }

  fill(...pieces: (Uint8Array | undefined)[]): void {
    for (const piece of pieces) {
      if (piece === undefined || piece.length === 0) continue;
      if (piece.length < largeBytes) {
        this.#reserve(piece.length);
        this.#put(piece);
      } else this.#refer(piece);
    }
  }

  drain(): Uint8Array {
    const parts = this.#take();
    return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts);
  }

  reset(): void {
    this.#parts = [];
    this.#from = this.#to;
    this.#waitingBytes = 0;
  }

  length(): number {
    return this.#waitingBytes;
  }

  size(): number {
    return this.#waitingBytes;
  }

  #body(data: Uint8Array): void {
    if (data.length < largeBytes) this.#put(data);
    else this.#refer(data);
    this.#reserve(lineEnd.length);
    this.#put(lineEnd);
  }

  /** Into the slab, where there is room for it. */
  #put(bytes: Uint8Array): void {
    this.#slab.set(bytes, this.#to);
    this.#to += bytes.length;
    this.#waitingBytes += bytes.length;
  }

  #refer(bytes: Uint8Array): void {
    this.#closePart();
    this.#parts.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #reserve(bytes: number): void {
    if (this.#to + bytes <= this.#slab.length) return;
    const waiting = this.#slab.subarray(this.#from, this.#to);
    this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, waiting.length + bytes));
    // Moved along, so that it goes out in one piece with what follows: two pieces cost more than the copy.
    this.#slab.set(waiting);
    this.#from = 0;
    this.#to = waiting.length;
  }

  #closePart(): void {
    if (this.#to > this.#from) this.#parts.push(this.#slab.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }

  #take(): Uint8Array[] {
    this.#closePart();
    const parts = this.#parts;
    this.#parts = [];
    this.#waitingBytes = 0;
    return parts;
  }

  /** A message is complete: it leaves at the end of the turn, with what else is written in it. */
  #written(): void {
    if (this.#waitingBytes >= sendAtBytes) this.send();
    else if (!this.#isPlanned) {
      this.#isPlanned = true;
      setImmediate(() => {
        this.#isPlanned = false;
        this.send();
      });
    }
  }
}

function isProtocol(value: unknown): value is Protocol {
  if (typeof value !== 'object' || value === null) return false;
  const buffer: unknown = Reflect.get(value, 'outbound');
  const isBuffer = typeof buffer === 'object' && buffer !== null;
  return (
    isBuffer &&
    ['connected', 'infoReceived'].every((name) => typeof Reflect.get(value, name) === 'boolean') &&
    ['fill', 'drain', 'reset', 'length', 'size'].every((name) => typeof Reflect.get(buffer, name) === 'function') &&
    ['flushPending', 'isClosed'].every((name) => typeof Reflect.get(value, name) === 'function')
  );
}
