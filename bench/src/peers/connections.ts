/**
 * Keep-alive connections to one HTTP server, each with one request at a time. Requests go to the connection that has been free
 * for longest, so that all processes behind the server get their part; where none is free they wait here.
 */
import { Client, type Dispatcher } from 'undici';

interface Waiting {
  body: Uint8Array;
  told: Told;
}

/** Told the body of an answer with status 200, or undefined where there was none. */
export type Told = (answer: Uint8Array | undefined) => void;

const headers = { 'content-type': 'application/octet-stream' };

export class Connections {
  readonly #path: string;
  readonly #clients: readonly Client[];
  readonly #free: Client[] = [];
  #waiting: Waiting[] = [];
  #from = 0;

  private constructor(url: URL, count: number) {
    this.#path = url.pathname;
    this.#clients = Array.from({ length: count }, () => new Client(url.origin, { pipelining: 1 }));
  }

  /** Opens them by a first request on each, which must be answered. */
  static async open(url: URL, count: number, body: Uint8Array): Promise<Connections> {
    const connections = new Connections(url, count);
    const answers = await Promise.all(
      connections.#clients.map(
        (client) => new Promise<unknown>((resolve) => connections.#ask(client, { body, told: resolve })),
      ),
    );
    if (!answers.includes(undefined)) return connections;
    await connections.close();
    throw new Error(`${url} does not answer`);
  }

  /** Posts a body on the next free connection. */
  post(body: Uint8Array, told: Told): void {
    const client = this.#free.shift();
    if (client === undefined) this.#waiting.push({ body, told });
    else this.#ask(client, { body, told });
  }

  /** Breaks them off; whoever waits for an answer is told that there is none, whoever waits here is not told. */
  async close(): Promise<void> {
    this.#waiting = [];
    await Promise.all(this.#clients.map((client) => client.destroy()));
  }

  #ask(client: Client, { body, told }: Waiting): void {
    const handler = new Answer((answer) => {
      told(answer);
      this.#released(client);
    });
    client.dispatch({ method: 'POST', path: this.#path, headers, body }, handler);
  }

  #released(client: Client): void {
    const next = this.#waiting[this.#from];
    if (client.destroyed) return;
    if (next === undefined) {
      this.#free.push(client);
      return;
    }
    this.#from++;
    if (this.#from > this.#waiting.length / 2) {
      this.#waiting = this.#waiting.slice(this.#from);
      this.#from = 0;
    }
    this.#ask(client, next);
  }
}

/** The lean way into undici: no promise and no stream for an answer of one piece. */
class Answer implements Dispatcher.DispatchHandlers {
  readonly #parts: Buffer[] = [];
  #isOk = false;

  constructor(private readonly told: Told) {}

  onConnect(): void {}

  onHeaders(status: number): boolean {
    this.#isOk = status === 200;
    return true;
  }

  onData(part: Buffer): boolean {
    this.#parts.push(part);
    return true;
  }

  onComplete(): void {
    const [only, ...more] = this.#parts;
    if (!this.#isOk) this.told(undefined);
    else this.told(more.length === 0 ? only : Buffer.concat(this.#parts));
  }

  onError(): void {
    this.told(undefined);
  }
}
