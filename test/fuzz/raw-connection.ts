/**
 * A connection to nats-server that sends what it is told, byte for byte: header blocks that no client would write, subjects
 * with anything in them, frames that are no protocol. https://docs.nats.io/reference/reference-protocols/nats-protocol
 */
import { connect, type Socket } from 'node:net';

/** A message as it came: its header block is not read. */
export interface RawMessage {
  subject: string;
  headers: Uint8Array;
  data: Uint8Array;
}

const lineEnd = Buffer.from('\r\n');
const nothing = Buffer.alloc(0);

export class RawConnection {
  /** Resolves when the server or we have ended it, with what the server said last (`-ERR …`). */
  readonly closed: Promise<string>;
  #buffer: Buffer = nothing;
  #said = '';
  #pongs: (() => void)[] = [];
  #isOpen = true;

  private constructor(
    private readonly socket: Socket,
    private readonly onMessage: (message: RawMessage) => void,
  ) {
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isOpen = false;
        for (const pong of this.#pongs.splice(0)) pong();
        resolve(this.#said);
      });
    });
    // What matters of an error is that the socket closes.
    socket.on('error', () => {});
    socket.on('data', (chunk) => this.#read(Buffer.from(chunk)));
  }

  /** Connects; resolves when the server has taken the CONNECT. */
  static async open(url: string, onMessage: (message: RawMessage) => void = () => {}): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const connection = new RawConnection(socket, onMessage);
    connection.write(
      'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"name":"fuzz"}\r\n',
    );
    await connection.flush();
    return connection;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  write(bytes: string | Uint8Array): void {
    if (this.#isOpen) this.socket.write(bytes);
  }

  subscribe(subject: string): void {
    this.write(`SUB ${subject} 1\r\n`);
  }

  /** @param headers a whole header block, `NATS/1.0\r\n…\r\n\r\n`, or whatever should stand for one */
  publish(subject: string, data: Uint8Array, options: { reply?: string; headers?: Uint8Array } = {}): void {
    const { reply, headers } = options;
    const to = reply === undefined ? subject : `${subject} ${reply}`;
    const line =
      headers === undefined
        ? `PUB ${to} ${data.length}\r\n`
        : `HPUB ${to} ${headers.length} ${headers.length + data.length}\r\n`;
    this.write(Buffer.concat([Buffer.from(line), headers ?? nothing, data, lineEnd]));
  }

  /** Resolves when the server has taken all that was sent before, or has ended the connection. */
  async flush(): Promise<void> {
    if (!this.#isOpen) return;
    await new Promise<void>((resolve) => {
      this.#pongs.push(resolve);
      this.write('PING\r\n');
    });
  }

  end(): void {
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const end = this.#buffer.indexOf(lineEnd);
      if (end === -1) return;
      const [verb = '', ...words] = this.#buffer.subarray(0, end).toString('latin1').split(/\s+/);
      const hasBody = verb === 'MSG' || verb === 'HMSG';
      const total = hasBody ? Number(words.at(-1)) : 0;
      const next = end + 2 + (hasBody ? total + 2 : 0);
      if (this.#buffer.length < next) return;
      const body = this.#buffer.subarray(end + 2, end + 2 + total);
      const line = this.#buffer.subarray(0, end).toString('latin1');
      this.#buffer = this.#buffer.subarray(next);
      this.#take(verb, words, line, body);
    }
  }

  #take(verb: string, words: string[], line: string, body: Buffer): void {
    if (verb === 'PING') this.write('PONG\r\n');
    else if (verb === 'PONG') this.#pongs.shift()?.();
    else if (verb === '-ERR') this.#said = line;
    else if (verb === 'MSG' || verb === 'HMSG') {
      const headerBytes = verb === 'HMSG' ? Number(words.at(-2)) : 0;
      const subject = words[0] ?? '';
      this.onMessage({ subject, headers: body.subarray(0, headerBytes), data: body.subarray(headerBytes) });
    }
  }
}
