/**
 * A TCP proxy between a process and its broker, on the loopback, that can do to their connections what networks do.
 *
 * ```ts
 * const proxy = await FaultProxy.start({ target: '127.0.0.1:4222' });
 * // a process connects to proxy.url …
 * const heal = proxy.apply({ kind: 'half-open', silent: 'in' });
 * heal();
 * await proxy.close();
 * ```
 *
 * Cuts may overlap; each lasts until it is healed, for connections made before and during it. A connection of which bytes
 * may have vanished is reset when its line is whole again, as TCP could not go on either.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Cut } from '../target/target.js';
import { combined } from './cuts.js';
import { Link } from './link.js';
import { ServerInfoFilter } from './server-info.js';

export interface FaultProxyOptions {
  /** Where connections go: `host:port`. */
  target: string;
}

export class FaultProxy {
  /** Where the process connects instead of the target. */
  readonly port: number;
  readonly #links = new Set<Link>();
  readonly #cuts = new Set<Cut>();

  private constructor(
    private readonly server: Server,
    private readonly target: { host: string; port: number },
  ) {
    const { port } = server.address() as AddressInfo;
    this.port = port;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** Starts a proxy on a free port of the loopback. Throws a `TypeError` for a target without a port. */
  static async start({ target }: FaultProxyOptions): Promise<FaultProxy> {
    const { hostname, port } = new URL(`tcp://${target}`);
    if (port === '') throw new TypeError(`a proxy's target is host:port, not "${target}"`);
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultProxy(server, { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) });
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** How many connections it holds, those that are cut off among them. */
  get connections(): number {
    return this.#links.size;
  }

  /** Does this to all connections, present and to come, until the returned function is called. */
  apply(cut: Cut): () => void {
    // A copy: the same cut may be applied twice.
    const applied = { ...cut };
    this.#cuts.add(applied);
    this.#update();
    return () => {
      if (this.#cuts.delete(applied)) this.#update();
    };
  }

  /** Resets all connections and listens no more. May be called more than once. */
  async close(): Promise<void> {
    const ended = this.server.listening ? once(this.server, 'close') : Promise.resolve();
    this.server.close();
    const links = [...this.#links];
    for (const link of links) link.reset();
    await Promise.all([ended, ...links.map(({ closed }) => closed)]);
  }

  #update(): void {
    const flows = combined(this.#cuts);
    for (const link of this.#links) {
      if (flows === 'reset') link.reset();
      else link.set(flows);
    }
  }

  #accept(socket: Socket): void {
    const flows = combined(this.#cuts);
    if (flows === 'reset') {
      socket.resetAndDestroy();
      return;
    }
    const filter = new ServerInfoFilter();
    const link = new Link(socket, this.target, flows, (bytes) => filter.pass(bytes));
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
  }
}
