/** A probe that has connected: asked through its socket. */
import type { Socket } from 'node:net';
import type { Measured, Measurement } from './measure.js';
import { onLines, type Request, said } from './protocol.js';

/** A CPU profile of some seconds takes its time to be written down. */
const answerLimitMs = 15_000;

interface Listener {
  /** Told once, before anything can be asked. @param name of the process */
  onHello(name: string): void;
  onEnd(): void;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export class Connected {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  constructor(socket: Socket, { onHello, onEnd }: Listener) {
    this.#socket = socket;
    // What follows an error is 'close'.
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the process that was measured has ended'));
      this.#waiting.clear();
      onEnd();
    });
    onLines(socket, (line) => {
      const words = said.parse(JSON.parse(line));
      if ('hello' in words) {
        onHello(words.hello);
        return;
      }
      const waiting = this.#waiting.get(words.id);
      this.#waiting.delete(words.id);
      if ('error' in words) waiting?.reject(new Error(words.error));
      else waiting?.resolve(words.result);
    });
  }

  async start(what: Measurement): Promise<void> {
    await this.#ask('start', what);
  }

  async stop<K extends Measurement>(what: K): Promise<Measured[K]> {
    return (await this.#ask('stop', what)) as Measured[K];
  }

  close(): void {
    this.#socket.destroy();
  }

  /** @throws Error of the process, or when it ends or is silent */
  async #ask(what: Request['do'], measurement: Measurement): Promise<unknown> {
    if (this.#socket.destroyed) throw new Error('the process that was to be measured has ended');
    const id = this.#asked++;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        timer = setTimeout(() => reject(new Error(`no ${measurement} after ${answerLimitMs} ms`)), answerLimitMs);
        this.#socket.write(`${JSON.stringify({ id, do: what, what: measurement } satisfies Request)}\n`);
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }
}
