/** A proxy for each process of a system: what `natsUrlOf` of `startSystem` needs so that connections can be cut. */
import { SlacklineError } from '@slackline/shared';
import type { Cut } from '../target/target.js';
import { FaultProxy } from './fault-proxy.js';

export class ProcessProxies {
  /** By the process's name; one for each server of its URL. */
  readonly #proxies = new Map<string, FaultProxy[]>();

  /** Starts a process's proxies; returns its way to NATS through them. For `SystemOptions.natsUrlOf`. */
  readonly natsUrlOf = async (name: string, natsUrl: string): Promise<string> => {
    const servers = natsUrl.split(',').map((server) => new URL(server.includes('://') ? server : `nats://${server}`));
    const proxies = await Promise.all(
      servers.map(({ hostname, port }) => FaultProxy.start({ target: `${hostname}:${port || '4222'}` })),
    );
    this.#proxies.set(name, [...(this.#proxies.get(name) ?? []), ...proxies]);
    return proxies.map(({ port }, index) => throughPort(servers[index], port)).join();
  };

  /** Cuts a process off until the returned function is called. @throws SlacklineError `chaos_unsupported` */
  cut(name: string, cut: Cut): () => void {
    const proxies = this.#proxies.get(name);
    if (proxies === undefined) {
      throw new SlacklineError('chaos_unsupported', `No proxy stands between ${name} and its broker`);
    }
    return healing(proxies.map((proxy) => proxy.apply(cut)));
  }

  /** Cuts every process off: the broker has lost its network. @throws SlacklineError `chaos_unsupported` */
  cutAll(cut: Cut): () => void {
    if (this.#proxies.size === 0) {
      throw new SlacklineError('chaos_unsupported', 'No proxy stands between any process and the broker');
    }
    return healing([...this.#proxies.keys()].map((name) => this.cut(name, cut)));
  }

  async close(): Promise<void> {
    const proxies = [...this.#proxies.values()].flat();
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }
}

/** The same URL, user and password too, by way of a port of the loopback. */
function throughPort(server: URL | undefined, port: number): string {
  const url = new URL(server ?? 'nats://127.0.0.1');
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url.href;
}

function healing(heals: readonly (() => void)[]): () => void {
  return () => {
    for (const heal of heals) heal();
  };
}
