/**
 * Writes a batch command into one buffer of its size: the largest message that a scheduler sends, and one for every batch. What
 * it writes is what any msgpack library would; bodies are copied once.
 *
 * https://github.com/msgpack/msgpack/blob/master/spec.md
 */
import type { BatchCommand } from './messages.js';

/** Keys, types and lengths of a command, and of each of its queries, beside texts and bodies. */
const commandBytes = 128;
const queryBytes = 64;

/** Text as msgpack, for what is written over and over. */
const key = (text: string): Buffer => Buffer.concat([Buffer.of(0xa0 + text.length), Buffer.from(text)]);
const keys = {
  ...{ v: key('v'), batchId: key('batchId'), token: key('token'), epoch: key('epoch'), model: key('model') },
  ...{ digest: key('digest'), subnet: key('subnet'), queries: key('queries') },
  ...{ id: key('id'), contentType: key('contentType'), payload: key('payload'), sequence: key('sequence') },
};

/** The command as msgpack. */
export function packBatchCommand(command: BatchCommand): Uint8Array {
  const writer = new Writer(mostBytesOf(command));
  const { digest, queries } = command;
  writer.map(digest === undefined ? 7 : 8);
  writer.raw(keys.v).uint(command.v);
  writer.raw(keys.batchId).text(command.batchId);
  writer.raw(keys.token).uint(command.token);
  writer.raw(keys.epoch).text(command.epoch);
  writer.raw(keys.model).text(command.model);
  if (digest !== undefined) writer.raw(keys.digest).text(digest);
  writer.raw(keys.subnet).text(command.subnet);
  writer.raw(keys.queries).array(queries.length);
  for (const { id, contentType, payload, sequence } of queries) {
    writer.map(4);
    writer.raw(keys.id).text(id);
    writer.raw(keys.contentType).text(contentType);
    writer.raw(keys.payload).bytes(payload);
    writer.raw(keys.sequence).uint(sequence);
  }
  return writer.written();
}

/** A character is three bytes at most. */
function mostBytesOf({ batchId, epoch, model, digest = '', subnet, queries }: BatchCommand): number {
  let bytes = commandBytes + 3 * (batchId.length + epoch.length + model.length + digest.length + subnet.length);
  for (const { id, contentType, payload } of queries) {
    bytes += queryBytes + 3 * (id.length + contentType.length) + (payload?.length ?? 0);
  }
  return bytes;
}

class Writer {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafe(bytes);
  }

  written(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
  }

  raw(bytes: Uint8Array): this {
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  map(entries: number): void {
    this.#buffer[this.#at++] = 0x80 + entries;
  }

  array(length: number): void {
    this.#buffer[this.#at] = 0xdc;
    this.#at = this.#buffer.writeUInt16BE(length, this.#at + 1);
  }

  uint(value: number): void {
    if (value < 0x80) this.#buffer[this.#at++] = value;
    else if (value < 0x1_0000_0000) {
      this.#buffer[this.#at] = 0xce;
      this.#at = this.#buffer.writeUInt32BE(value, this.#at + 1);
    } else {
      this.#buffer[this.#at] = 0xcf;
      this.#at = this.#buffer.writeBigUInt64BE(BigInt(value), this.#at + 1);
    }
  }

  text(value: string): void {
    // The length of its length is that of the longest that it may be, which any reader takes.
    const head = value.length < 11 ? 1 : value.length < 86 ? 2 : 3;
    const bytes = this.#buffer.write(value, this.#at + head);
    if (head === 1) this.#buffer[this.#at] = 0xa0 + bytes;
    else if (head === 2) {
      this.#buffer[this.#at] = 0xd9;
      this.#buffer[this.#at + 1] = bytes;
    } else {
      this.#buffer[this.#at] = 0xda;
      this.#buffer.writeUInt16BE(bytes, this.#at + 1);
    }
    this.#at += head + bytes;
  }

  bytes(value: Uint8Array | null): void {
    if (value === null) {
      this.#buffer[this.#at++] = 0xc0;
      return;
    }
    this.#buffer[this.#at] = 0xc6;
    this.#at = this.#buffer.writeUInt32BE(value.length, this.#at + 1);
    this.raw(value);
  }
}
