/**
 * Messages in the order in which they were said, as bytes in large blocks: keeping one makes no objects that would be moved about
 * as long as it is kept. They are looked for by going through them, which is rare.
 */
import { type FramedMessage, HeaderLines } from '@slackline/shared';

const blockBytes = 256 * 1024;
/** Lengths of the key, the headers and the body, before these. */
const headBytes = 12;

interface Place {
  block: Buffer;
  at: number;
}

export class SaidLog {
  readonly #blocks: { bytes: Buffer; end: number }[] = [];
  readonly #found = new Map<string, Place>();
  /** So far they are in the map. */
  #read = { block: 0, at: 0 };
  #bytes = 0;

  /** What is taken for it, in bytes: blocks are full of messages or not. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param key the same for the same message; the last one counts */
  add(key: string, { headers, data }: FramedMessage): void {
    const { text } = headers;
    // A character of the key is three bytes at most.
    const most = headBytes + key.length * 3 + text.length + data.length;
    const block = this.#room(most);
    const { bytes, end } = block;
    const keyLength = bytes.write(key, end + headBytes);
    bytes.writeUInt32LE(keyLength, end);
    bytes.writeUInt32LE(text.length, end + 4);
    bytes.writeUInt32LE(data.length, end + 8);
    let at = end + headBytes + keyLength;
    at += bytes.write(text, at, 'latin1');
    bytes.set(data, at);
    block.end = at + data.length;
  }

  find(key: string): FramedMessage | undefined {
    this.#readAll();
    const place = this.#found.get(key);
    if (place === undefined) return undefined;
    const { block, at } = place;
    const text = at + headBytes + block.readUInt32LE(at);
    const body = text + block.readUInt32LE(at + 4);
    const headers = HeaderLines.again(block.toString('latin1', text, body));
    return { headers, data: block.subarray(body, body + block.readUInt32LE(at + 8)) };
  }

  #room(bytes: number): { bytes: Buffer; end: number } {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.end + bytes <= last.bytes.length) return last;
    const block = { bytes: Buffer.allocUnsafeSlow(Math.max(blockBytes, bytes)), end: 0 };
    this.#blocks.push(block);
    this.#bytes += block.bytes.length;
    return block;
  }

  #readAll(): void {
    for (; this.#read.block < this.#blocks.length; this.#read = { block: this.#read.block + 1, at: 0 }) {
      const block = this.#blocks[this.#read.block];
      if (block === undefined) return;
      const { bytes, end } = block;
      while (this.#read.at < end) {
        const { at } = this.#read;
        const keyEnd = at + headBytes + bytes.readUInt32LE(at);
        this.#found.set(bytes.toString('utf8', at + headBytes, keyEnd), { block: bytes, at });
        this.#read.at = keyEnd + bytes.readUInt32LE(at + 4) + bytes.readUInt32LE(at + 8);
      }
      // More may be written behind it.
      if (this.#read.block === this.#blocks.length - 1) return;
    }
  }
}
