/** The bench's end of its probes: where they connect, and how they are asked. */
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TemporaryFolder } from '@slackline/local';
import { Connected } from './connected.js';
import { type Measured, type Measurement, Meter } from './measure.js';
import { socketVariable } from './protocol.js';

/** Processes preload compiled code, also where this file runs as a source. */
const child = new URL('../../dist/probe/child.js', import.meta.url);

/** One process. */
export interface Probe {
  start(what: Measurement): Promise<void>;
  stop<K extends Measurement>(what: K): Promise<Measured[K]>;
}

/** The name of this process, which needs no socket. */
export const ownName = 'load';

export class Probes {
  readonly #folder = new TemporaryFolder('probes');
  readonly #path = join(this.#folder.path, 'probe.sock');
  readonly #server: Server;
  readonly #probes = new Map<string, Probe>([[ownName, new Meter()]]);
  readonly #connected = new Set<Connected>();

  private constructor() {
    this.#server = createServer((socket) => {
      const connected = new Connected(socket, {
        onHello: (name) => void this.#probes.set(name, connected),
        onEnd: () => this.#ended(connected),
      });
      this.#connected.add(connected);
    });
  }

  /** Listens; resolves when processes may be started. */
  static async open(): Promise<Probes> {
    const probes = new Probes();
    await new Promise<void>((resolve, reject) => {
      probes.#server.once('error', reject);
      probes.#server.listen(probes.#path, resolve);
    });
    return probes;
  }

  /** How a process gets its probe. */
  get nodeOptions(): string[] {
    return ['--import', pathToFileURL(child.pathname).href];
  }

  get env(): Record<string, string> {
    return { [socketVariable]: this.#path };
  }

  /** Names of those that are there: the processes' own, and `load` for this one. */
  get names(): string[] {
    return [...this.#probes.keys()];
  }

  /**
   * Measures processes while `work` is under way. Names that are not there are left out.
   * @throws what `work` throws; the measurements have ended then as well
   */
  async during<K extends Measurement, T>(
    what: K,
    names: readonly string[],
    work: () => Promise<T>,
  ): Promise<{ result: T; measured: Record<string, Measured[K]> }> {
    const named = [...this.#probes].filter(([name]) => names.includes(name));
    await Promise.all(named.map(([, probe]) => probe.start(what)));
    const ended = async () =>
      Object.fromEntries(
        await Promise.all(named.map(async ([name, probe]) => [name, await probe.stop(what)] as const)),
      );
    let result: T;
    try {
      result = await work();
    } catch (error) {
      await ended().catch(() => undefined);
      throw error;
    }
    return { result, measured: await ended() };
  }

  #ended(connected: Connected): void {
    this.#connected.delete(connected);
    for (const [name, probe] of this.#probes) if (probe === connected) this.#probes.delete(name);
  }

  /** Hangs up; the processes go on without. */
  close(): void {
    for (const connected of this.#connected) connected.close();
    this.#server.close();
    this.#folder.remove();
  }
}
