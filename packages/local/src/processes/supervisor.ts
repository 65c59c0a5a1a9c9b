/**
 * The services of one system on this machine: starts them, watches them, ends them in order.
 *
 * A service that dies stays dead unless it was started with `restore`: the system is built to go on without a worker,
 * and a silent restart would hide that it died. Whoever ended one may start it again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describeExit } from '../errors.js';
import type { Exit } from './owned-process.js';
import { ServiceProcess, type ServiceSpec } from './service-process.js';

/** What a supervisor tells of its processes. */
export type ProcessEvent =
  | { kind: 'spawned'; name: string; pid: number }
  | { kind: 'ready'; name: string; pid: number }
  /** It ended. Expected: someone had asked it to, or it ended in order (code 0) after it was ready. */
  | { kind: 'exited'; name: string; pid: number; exit: Exit; expected: boolean; lastLines: readonly string[] };

export interface SupervisorOptions {
  onEvent?: (event: ProcessEvent) => void;
  /** How long a service may drain after SIGTERM before it is killed. Default 20 s: services give themselves 15. */
  stopGraceMs?: number;
}

export interface SpawnOptions {
  /** Start it again whenever it ends unexpectedly. Default: off. */
  restore?: boolean;
}

/** A service that keeps dying is tried again ever more rarely, and soon again once it has lived a while. */
const RESTORE_DELAY_MS = { first: 250, most: 8_000, forgetAfter: 30_000 } as const;

interface Entry {
  process: ServiceProcess;
  /** What was asked for. */
  readonly options: SpawnOptions;
  /** Only once it has been ready. */
  restore: boolean;
  /** Someone asked for its end, by stop or by name, or starts it again himself. */
  ending: boolean;
  /** Ends a wait before it is restored. */
  readonly hurry: AbortController;
  /** Whoever takes this one's place, once that was asked for. */
  again?: Promise<ServiceProcess>;
  /** Settles when the process has ended for good. */
  watch: Promise<void>;
}

export class Supervisor {
  readonly #entries = new Map<string, Entry>();
  readonly #onEvent: (event: ProcessEvent) => void;
  readonly #stopGraceMs: number;
  readonly #stopping = new AbortController();

  constructor({ onEvent = () => undefined, stopGraceMs = 20_000 }: SupervisorOptions = {}) {
    this.#onEvent = onEvent;
    this.#stopGraceMs = stopGraceMs;
  }

  /**
   * Starts a service and waits until it is ready.
   * @throws SlacklineError `service_failed` if it does not become ready; nothing of it is left then
   * @throws Error if a service of that name runs, or the supervisor is stopped
   */
  async spawnService(spec: ServiceSpec, options: SpawnOptions = {}): Promise<ServiceProcess> {
    this.#stopping.signal.throwIfAborted();
    const old = this.#entries.get(spec.name);
    if (old !== undefined && old.process.exit === undefined)
      throw new Error(`a service named ${spec.name} runs already`);

    const service = await ServiceProcess.start(spec);
    const entry: Entry = {
      ...{ process: service, options, restore: false, ending: false },
      ...{ hurry: new AbortController(), watch: Promise.resolve() },
    };
    this.#entries.set(spec.name, entry);
    this.#onEvent({ kind: 'spawned', name: spec.name, pid: service.pid });
    entry.watch = this.#watch(entry);
    // Stopped while it was being spawned: stop() did not see it.
    if (this.#stopping.signal.aborted) await service.kill();
    await service.ready;
    entry.restore = options.restore ?? false;
    this.#onEvent({ kind: 'ready', name: spec.name, pid: service.pid });
    return service;
  }

  /**
   * Starts a service again that has ended, as it was started first; waits until it is ready. One that runs stays as it is.
   * @throws SlacklineError `service_failed` if it does not become ready
   */
  async startService(name: string): Promise<ServiceProcess> {
    const entry = this.#entry(name);
    if (entry.process.exit === undefined && !entry.ending) {
      await entry.process.ready;
      return entry.process;
    }
    entry.again ??= this.#replace(entry);
    return entry.again;
  }

  /** Ends a service in order (SIGTERM) and starts it again; waits until it is ready. @throws as `startService` */
  async restartService(name: string): Promise<ServiceProcess> {
    await this.stopService(name);
    return this.startService(name);
  }

  /** The service of that name, running or ended. @throws Error if there never was one */
  get(name: string): ServiceProcess {
    return this.#entry(name).process;
  }

  /** All services, running or ended, in the order they were first started. */
  all(): readonly ServiceProcess[] {
    return [...this.#entries.values()].map((entry) => entry.process);
  }

  /** SIGKILL without warning, as a crash would be: an unexpected end, which `restore` undoes. */
  async kill(name: string): Promise<Exit> {
    return this.#entry(name).process.kill();
  }

  /** Ends one service in order; it stays ended. */
  async stopService(name: string): Promise<Exit> {
    const entry = this.#entry(name);
    entry.ending = true;
    return entry.process.stop(this.#stopGraceMs);
  }

  /**
   * Ends all services; each group at once, the groups one after the other, whatever is in no group last.
   * @param order for each group, whether a service belongs to it; by name
   */
  async stop(order: readonly ((name: string) => boolean)[] = []): Promise<void> {
    this.#stopping.abort(new Error('the supervisor has been stopped'));
    for (const entry of this.#entries.values()) {
      entry.ending = true;
      entry.hurry.abort();
    }
    for (const isInGroup of [...order, () => true]) {
      const group = [...this.#entries.keys()].filter(isInGroup);
      await Promise.all(group.map((name) => this.stopService(name)));
    }
    await Promise.all([...this.#entries.values()].map((entry) => entry.watch));
  }

  /** Starts an ended service instead of whoever would restore it, or after its end where that is still under way. */
  async #replace(entry: Entry): Promise<ServiceProcess> {
    entry.ending = true;
    entry.hurry.abort();
    await entry.watch;
    return this.spawnService(entry.process.spec, entry.options);
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new Error(`there is no service named ${name}`);
    return entry;
  }

  /** Follows a service through its ends, and starts it again where that was asked for. */
  async #watch(entry: Entry): Promise<void> {
    let delayMs: number = RESTORE_DELAY_MS.first;
    for (;;) {
      const startedAt = performance.now();
      const expected = await this.#tellEnd(entry);
      if (expected || !entry.restore) return;
      if (performance.now() - startedAt > RESTORE_DELAY_MS.forgetAfter) delayMs = RESTORE_DELAY_MS.first;
      do {
        await delay(delayMs, undefined, { signal: entry.hurry.signal }).catch(() => undefined);
        if (entry.ending) return;
        delayMs = Math.min(delayMs * 2, RESTORE_DELAY_MS.most);
      } while (!(await this.#startAgain(entry)));
    }
  }

  /** Waits for the end of a process and tells of it. Returns whether it was to be expected. */
  async #tellEnd(entry: Entry): Promise<boolean> {
    const { process: service } = entry;
    const wasReady = service.ready.then(
      () => true,
      () => false,
    );
    const exit = await service.exited;
    const expected = entry.ending || (exit.code === 0 && (await wasReady));
    const { name, pid } = service;
    this.#onEvent({ kind: 'exited', name, pid, exit, expected, lastLines: service.lastLines() });
    return expected;
  }

  /** Returns false where no process could be started: out of memory, or of process ids. */
  async #startAgain(entry: Entry): Promise<boolean> {
    try {
      entry.process = await ServiceProcess.start(entry.process.spec);
    } catch {
      return false;
    }
    const { name, pid, ready } = entry.process;
    this.#onEvent({ kind: 'spawned', name, pid });
    // Stopped while it was being spawned.
    if (entry.ending) await entry.process.kill();
    ready.then(
      () => this.#onEvent({ kind: 'ready', name, pid }),
      // Its end is told by the watch.
      () => undefined,
    );
    return true;
  }
}

/** One sentence for a human: "gpu-worker-1 was ended by SIGKILL". */
export function describeEvent(event: ProcessEvent): string {
  switch (event.kind) {
    case 'spawned':
      return `${event.name} started (process ${event.pid})`;
    case 'ready':
      return `${event.name} is ready`;
    case 'exited':
      return `${event.name} ${describeExit(event.exit)}`;
  }
}
