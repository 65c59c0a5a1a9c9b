/** One connection through the proxy: the process's socket, ours to the broker, and a pipe for each direction. */
import { connect, type Socket } from 'node:net';
import { type Flow, Pipe, type Rewrite } from './pipe.js';

/** What becomes of both directions. */
export interface Flows {
  /** From the process to the broker. */
  out: Flow;
  /** From the broker to the process. */
  in: Flow;
}

export class Link {
  /** Resolves when both sockets are closed. */
  readonly closed: Promise<void>;
  readonly #upstream: Socket;
  readonly #out: Pipe;
  readonly #in: Pipe;
  /** Something may be missing in one of its directions: it cannot go on when the line is whole again. */
  #isTorn = false;

  /** @param rewrite what comes from the broker */
  constructor(
    private readonly client: Socket,
    target: { host: string; port: number },
    flows: Flows,
    rewrite: Rewrite,
  ) {
    this.#upstream = connect({ ...target, noDelay: true, allowHalfOpen: true });
    const sockets = [client, this.#upstream];
    this.closed = Promise.all(sockets.map(untilClosed)).then(() => undefined);
    this.#out = new Pipe(client, this.#upstream);
    this.#in = new Pipe(this.#upstream, client, rewrite);
    void this.closed.then(() => this.#stop());
    this.set(flows);
  }

  /** Applies what is done to the line from now on; a line that was silent and no longer is, is reset. */
  set(flows: Flows): void {
    const isSilent = flows.out.silent || flows.in.silent;
    if (this.#isTorn && !isSilent) {
      this.reset();
      return;
    }
    this.#isTorn ||= isSilent;
    this.#out.set(flows.out);
    this.#in.set(flows.in);
  }

  /** RST to both sides. */
  reset(): void {
    this.#stop();
    for (const socket of [this.client, this.#upstream]) {
      if (!socket.destroyed) socket.resetAndDestroy();
    }
  }

  #stop(): void {
    this.#out.stop();
    this.#in.stop();
  }
}

function untilClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    // 'close' follows, and says that there was an error.
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
  });
}
