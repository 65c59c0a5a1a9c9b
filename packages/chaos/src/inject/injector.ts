/** Does what the plan says, at its moments of the load, and notes what really happened to whom. */
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { PlannedFault } from '../plan/plan.js';
import type { Target, Victim } from '../target/target.js';
import { monotonicMs } from '../time.js';
import { choose } from './choose.js';

/** A fault as it was carried out. Times in milliseconds from the load's start. */
export interface InjectedFault {
  readonly planned: PlannedFault;
  /** Name of the process; null where there was none to hit. */
  readonly victim: string | null;
  /** Whether it was the scheduler that led. */
  readonly led: boolean;
  /** When it really began. */
  readonly atMs: number;
  /** When the process was whole again: resumed, connected, ready after its start. Null: it was not started again. */
  readonly wholeAtMs: number | null;
  /** Why it could not be done; null: it was. */
  readonly error: string | null;
}

export class Injector {
  readonly #ending = new AbortController();
  #running: Promise<InjectedFault>[] = [];
  #startedAtMs = 0;

  /** @param onFault told of each fault when it has begun, and when its process is whole again */
  constructor(
    private readonly target: Target,
    private readonly plan: readonly PlannedFault[],
    private readonly onFault: (text: string) => void = () => {},
  ) {
    // Every fault of the plan waits on it.
    setMaxListeners(0, this.#ending.signal);
  }

  /** Begins; once. @param startedAtMs when the load began, by `monotonicMs` */
  start(startedAtMs: number): void {
    if (this.#running.length > 0) return;
    this.#startedAtMs = startedAtMs;
    this.#running = this.plan.map((planned) => this.#run(planned));
  }

  /** Resolves when all that was begun is mended; faults that had not begun do not begin any more, and are left out. */
  async end(): Promise<InjectedFault[]> {
    this.#ending.abort();
    const faults = await Promise.all(this.#running);
    return faults.filter(({ atMs }) => !Number.isNaN(atMs)).sort((a, b) => a.atMs - b.atMs);
  }

  /** Never rejects: a fault that cannot be done is a fact about the run. */
  async #run(planned: PlannedFault): Promise<InjectedFault> {
    const { signal } = this.#ending;
    const fault = { planned, victim: null, led: false, atMs: Number.NaN, wholeAtMs: null, error: null };
    const waitMs = planned.atMs - this.#nowMs();
    await delay(Math.max(0, waitMs), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return fault;
    let found: Partial<InjectedFault> = {};
    try {
      const victim = choose(await this.target.victims(planned.role), planned);
      const atMs = this.#nowMs();
      if (victim === undefined) return { ...fault, atMs, error: `no ${planned.role} was there to hit` };
      found = { victim: victim.name, led: victim.leads, atMs };
      const wholeAtMs = await this.#hit(victim, planned);
      return { ...fault, ...found, wholeAtMs };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return { ...fault, atMs: this.#nowMs(), ...found, error: text };
    }
  }

  /** Returns when the process was whole again; null: never. */
  async #hit(victim: Victim, { kind, forMs = 0, cut, restoreMs }: PlannedFault): Promise<number | null> {
    const { name } = victim;
    this.onFault(`${kind} ${name}`);
    switch (kind) {
      case 'kill':
        await victim.kill();
        if (restoreMs === undefined) return null;
        await this.#wait(restoreMs);
        await victim.start();
        break;
      case 'restart':
        await victim.stop();
        await victim.start();
        break;
      case 'pause':
        victim.pause();
        try {
          await this.#wait(forMs);
        } finally {
          victim.resume();
        }
        break;
      case 'cut': {
        const mend = victim.cut(cut ?? { kind: 'drop' });
        try {
          await this.#wait(forMs);
        } finally {
          mend();
        }
      }
    }
    this.onFault(`${name} is whole again`);
    return this.#nowMs();
  }

  /** What is begun is mended at once when the run ends. */
  async #wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#ending.signal }).catch(() => undefined);
  }

  #nowMs(): number {
    return monotonicMs() - this.#startedAtMs;
  }
}
