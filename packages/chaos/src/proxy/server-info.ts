/**
 * Takes out of what a nats-server says where else it can be reached: a client that learned other servers, or the server's
 * own address, would reconnect past the proxy. The server's protocol is followed just far enough to find its INFO lines,
 * which may come at any time (https://docs.nats.io/reference/reference-protocols/nats-protocol).
 *
 * What is not NATS passes as it is; so does everything behind the first line where TLS begins.
 */
const infoPrefix = Buffer.from('INFO ');
const lineFeed = 0x0a;
/** INFO of a large cluster is the longest line that a nats-server says. */
const longestLineBytes = 1024 * 1024;

/** For one connection: what the server said, in; what its client may hear, out. */
export class ServerInfoFilter {
  /** The beginning of a line whose end has not come. */
  #line: Buffer = Buffer.alloc(0);
  /** Bytes of a message's payload that are still to come, with the line end behind it. */
  #payload = 0;
  #isFirst = true;
  /** Nothing is to be found any more, or nothing can be read. */
  #passesAll = false;

  pass(chunk: Uint8Array): Uint8Array {
    let bytes: Buffer = Buffer.concat([this.#line, chunk]);
    const passed: Buffer[] = [];
    for (let length = this.#next(bytes); length > 0; length = this.#next(bytes)) {
      const piece = bytes.subarray(0, length);
      bytes = bytes.subarray(length);
      passed.push(this.#take(piece));
    }
    this.#line = bytes;
    return Buffer.concat(passed);
  }

  /** Length of what can be taken next; 0 where more must come first. */
  #next(bytes: Buffer): number {
    if (this.#isFirst) {
      // A nats-server speaks first, and what it says first is INFO.
      const begun = Math.min(bytes.length, infoPrefix.length);
      this.#passesAll ||= !bytes.subarray(0, begun).equals(infoPrefix.subarray(0, begun));
    }
    if (this.#passesAll) return bytes.length;
    if (this.#payload > 0) return Math.min(this.#payload, bytes.length);
    const lineLength = bytes.indexOf(lineFeed) + 1;
    this.#passesAll = lineLength === 0 && bytes.length > longestLineBytes;
    return this.#passesAll ? bytes.length : lineLength;
  }

  #take(piece: Buffer): Buffer {
    if (this.#passesAll) return piece;
    if (this.#payload > 0) {
      this.#payload -= piece.length;
      return piece;
    }
    this.#isFirst = false;
    const line = piece.toString('latin1');
    // The last word of MSG and HMSG is how many bytes follow, without the line end behind them.
    const [, bytes] = /^H?MSG .* (\d+)\r\n$/i.exec(line) ?? [];
    if (bytes !== undefined) this.#payload = Number(bytes) + 2;
    return /^INFO /i.test(line) ? this.#withoutUrls(piece) : piece;
  }

  #withoutUrls(line: Buffer): Buffer {
    try {
      const info: unknown = JSON.parse(line.toString().slice(infoPrefix.length));
      if (typeof info !== 'object' || info === null) return line;
      // The next bytes are of a handshake.
      this.#passesAll = 'tls_required' in info || 'tls_available' in info;
      if (!('connect_urls' in info || 'ws_connect_urls' in info)) return line;
      const { connect_urls: _urls, ws_connect_urls: _wsUrls, ...rest } = info as Record<string, unknown>;
      return Buffer.from(`INFO ${JSON.stringify(rest)}\r\n`);
    } catch {
      return line;
    }
  }
}
