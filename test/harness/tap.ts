/**
 * A way to the broker on which everything that a process says can be read, and held back: what was written in time and
 * arrives when it is over.
 */
import { once } from 'node:events';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';

/** A message as the process wrote it. */
export interface Said {
  subject: string;
  headers: string;
  atMs: number;
}

export class Tap {
  readonly said: Said[] = [];
  readonly #sockets = new Set<Socket>();
  #held: (() => void)[] | undefined;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(natsUrl: string): Promise<Tap> {
    const { hostname, port } = new URL(natsUrl);
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a tap has a port');
    const tap = new Tap(server, `nats://127.0.0.1:${address.port}`);
    server.on('connection', (socket) => tap.#join(socket, dial(Number(port), hostname)));
    return tap;
  }

  /** Keeps back what the process says from now on; what it is told still comes. Returns what lets it all go at once. */
  hold(): () => void {
    this.#held = [];
    return () => {
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const send of held) send();
    };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  #join(inner: Socket, outer: Socket): void {
    outer.setNoDelay();
    const reader = new Reader((said) => this.said.push(said));
    inner.on('data', (data) => {
      reader.read(data);
      const send = () => void (outer.writable && outer.write(data));
      if (this.#held === undefined) send();
      else this.#held.push(send);
    });
    outer.on('data', (data) => void (inner.writable && inner.write(data)));
    for (const [one, other] of [[inner, outer] as const, [outer, inner] as const]) {
      this.#sockets.add(one);
      // The other side's end is what its own process sees.
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}

/** Finds the messages in what a NATS client writes. */
class Reader {
  #rest = Buffer.alloc(0);

  constructor(private readonly onMessage: (said: Said) => void) {}

  read(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (;;) {
      const end = this.#rest.indexOf('\r\n');
      if (end < 0) return;
      const [verb = '', subject = '', ...rest] = this.#rest.toString('latin1', 0, end).split(' ');
      const isMessage = verb === 'PUB' || verb === 'HPUB';
      const length = isMessage ? Number(rest.at(-1)) + 2 : 0;
      if (this.#rest.length < end + 2 + length) return;
      if (isMessage) {
        const headersLength = verb === 'HPUB' ? Number(rest.at(-2)) : 0;
        const headers = this.#rest.toString('latin1', end + 2, end + 2 + headersLength);
        this.onMessage({ subject, headers, atMs: performance.now() });
      }
      this.#rest = this.#rest.subarray(end + 2 + length);
    }
  }
}
