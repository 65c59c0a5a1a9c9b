/** Reads a header block from its bytes: nothing is made of it but one text, in which the few names are looked for that are asked for. */
import type { HeaderReader } from '../../headers.js';

/** A query has a dozen lines at most; longer blocks are somebody's attempt on our time. */
const mostLines = 128;
const mostBytes = 64 * 1_024;

/** A first line, lines of a name and a value, an empty line. */
const whole = new RegExp(`^NATS/1\\.0[^\\r\\n]*\\r\\n(?:[!-9;-~]+:[^\\r\\n]*\\r\\n){0,${mostLines}}\\r\\n$`);
const notAscii = /[^\0-\x7f]/;

/** How a line of that name begins, by name: there are few. */
const beginnings = new Map<string, string>();
const mostBeginnings = 256;

export const noHeaders: HeaderReader = { get: () => undefined };

export class HeaderBlock implements HeaderReader {
  readonly isDamaged: boolean;
  readonly #text: string;

  constructor(block: Uint8Array) {
    const bytes = Buffer.from(block.buffer, block.byteOffset, block.length);
    const text = bytes.toString('latin1', 0, mostBytes);
    this.isDamaged = bytes.length > mostBytes || !whole.test(text);
    this.#text = notAscii.test(text) ? bytes.toString() : text;
  }

  get(name: string): string | undefined {
    if (this.isDamaged) return undefined;
    const text = this.#text;
    const beginning = beginnings.get(name) ?? beginningOf(name);
    const at = text.indexOf(beginning);
    if (at === -1) return undefined;
    const from = at + beginning.length;
    return text.slice(from, text.indexOf('\r\n', from)).trim();
  }
}

function beginningOf(name: string): string {
  const beginning = `\r\n${name}:`;
  if (beginnings.size < mostBeginnings) beginnings.set(name, beginning);
  return beginning;
}
