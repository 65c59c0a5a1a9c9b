/**
 * Follows processes over time: every interval it asks who there is and samples each. A process that comes back under
 * another id begins another life; lives are judged apart.
 *
 * ```ts
 * const watch = new Watch({ everyMs: 1_000, processes: () => [{ name: 'ingest-0', pid }] });
 * // …
 * watch.stop();
 * watch.lives; // each with its samples
 * ```
 */
import { monotonicMs } from '../time.js';
import { type ProcessSample, sampleProcess } from './process.js';

/** A process as it is called, and its id now. */
export interface Watched {
  name: string;
  pid: number;
}

/** One process from when it was first seen until it was gone. */
export interface ProcessLife extends Watched {
  samples: TimedSample[];
  /** Whether it lived when the watch looked last. */
  isAlive: boolean;
}

export interface TimedSample extends ProcessSample {
  /** Milliseconds from the watch's beginning. */
  atMs: number;
}

export interface WatchOptions {
  /** From one look to the next. Default 1,000. */
  everyMs?: number;
  /** Who there is now; asked before each look. What it throws is passed over: then those known before are looked at. */
  processes: () => readonly Watched[] | Promise<readonly Watched[]>;
  /** Called after each look with its time, for what else shall be sampled at the same beat. Must not throw. */
  onLook?: (atMs: number) => void;
}

export class Watch {
  /** By `monotonicMs`. */
  readonly startedAtMs = monotonicMs();
  readonly #options: WatchOptions;
  readonly #lives = new Map<string, ProcessLife>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** Looks at once, and then at the interval until `stop`. */
  constructor(options: WatchOptions) {
    this.#options = options;
    void this.#lookOn();
  }

  /** Milliseconds since the beginning: what `atMs` counts in. */
  get elapsedMs(): number {
    return monotonicMs() - this.startedAtMs;
  }

  /** Every life that was seen, in the order in which they began. */
  get lives(): readonly ProcessLife[] {
    return [...this.#lives.values()];
  }

  /** Looks now, besides the interval. */
  async look(): Promise<void> {
    const watched = await this.#processes();
    const atMs = this.elapsedMs;
    for (const { name, pid } of watched) this.#sample(name, pid, atMs);
    for (const life of this.#lives.values()) {
      if (!watched.some(({ name, pid }) => name === life.name && pid === life.pid)) life.isAlive = false;
    }
    this.#options.onLook?.(atMs);
  }

  /** Looks no more; what was seen stays. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #lookOn(): Promise<void> {
    const begunMs = performance.now();
    await this.look();
    if (this.#stopped) return;
    const restMs = (this.#options.everyMs ?? 1_000) - (performance.now() - begunMs);
    this.#timer = setTimeout(() => void this.#lookOn(), Math.max(0, restMs));
  }

  async #processes(): Promise<readonly Watched[]> {
    try {
      return await this.#options.processes();
    } catch {
      return this.lives.filter(({ isAlive }) => isAlive);
    }
  }

  #sample(name: string, pid: number, atMs: number): void {
    const sample = sampleProcess(pid);
    const key = `${name} ${pid}`;
    let life = this.#lives.get(key);
    if (sample === undefined) {
      if (life !== undefined) life.isAlive = false;
      return;
    }
    if (life === undefined) {
      life = { name, pid, samples: [], isAlive: true };
      this.#lives.set(key, life);
    }
    life.isAlive = true;
    life.samples.push({ atMs, ...sample });
  }
}
