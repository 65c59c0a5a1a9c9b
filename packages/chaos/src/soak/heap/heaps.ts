/**
 * What the services of a soak hold when all garbage is collected. Resident memory alone tells little of it: a collector that
 * is in no hurry leaves tens of megabytes lying about.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TemporaryFolder } from '@slackline/local';
import { z } from 'zod';
import type { Watched } from '../../watch/watch.js';
import { sleep } from '../sleep.js';

const heapReport = z.object({ heapUsed: z.number(), external: z.number(), arrayBuffers: z.number() });
const limitMs = 3_000;
const lookEveryMs = 50;

/** Processes run compiled code, also where this file runs as a source. */
const preload = new URL('../../../dist/soak/heap/preload.js', import.meta.url);

export class Heaps {
  readonly #folder = new TemporaryFolder('heaps');
  /** What the services must be started with. */
  readonly env: Readonly<Record<string, string>>;

  constructor() {
    const options = [process.env.NODE_OPTIONS, `--import=${preload.href}`].filter((text) => text !== undefined);
    this.env = { NODE_OPTIONS: options.join(' '), SLACKLINE_HEAP_DIR: this.#folder.path };
  }

  /**
   * Bytes on the heap and beside it, by process id, after a collection. Left out is who does not answer. Every process must
   * have been started with `env`: the signal ends all others.
   * @param signal sends SIGUSR2 to one of them, if it still is that process; whoever started it knows
   */
  async sample(services: readonly Watched[], signal: (service: Watched) => void): Promise<Map<number, number>> {
    const ask = async (service: Watched) => [service.pid, await this.#ask(service, signal)] as const;
    const reports = await Promise.all(services.map(ask));
    return new Map(reports.flatMap(([pid, bytes]) => (bytes === undefined ? [] : [[pid, bytes] as const])));
  }

  close(): void {
    this.#folder.remove();
  }

  async #ask(service: Watched, signal: (service: Watched) => void): Promise<number | undefined> {
    const path = join(this.#folder.path, `${service.pid}.json`);
    rmSync(path, { force: true });
    signal(service);
    const untilMs = performance.now() + limitMs;
    while (!existsSync(path)) {
      if (performance.now() > untilMs) return undefined;
      await sleep(lookEveryMs);
    }
    const { heapUsed, external } = heapReport.parse(JSON.parse(readFileSync(path, 'utf8')));
    // Array buffers are a part of what is external.
    return heapUsed + external;
  }
}
