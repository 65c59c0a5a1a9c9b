/**
 * One service in a Node process of its own, from start to ready to ended.
 *
 * The service says that it is ready by `process.send({ ready: true, ... })`; it ends in order on SIGTERM, and
 * `child/guard.js` sends it that when its parent is gone.
 */
import { pathToFileURL } from 'node:url';
import { describeExit, startFailure } from '../errors.js';
import { inCheckout } from '../paths.js';
import { type Exit, type OwnedProcess, startOwnedProcess } from './owned-process.js';

/** What is started, and how. */
export interface ServiceSpec {
  /** Unique among the processes of a supervisor: `scheduler`, `gpu-worker-3`. */
  name: string;
  /** Absolute path of the JavaScript module to run. */
  entry: string;
  args?: readonly string[];
  /** Added to this process's own environment; undefined removes a variable. */
  env?: Readonly<Record<string, string | undefined>>;
  /**
   * Scheduling priority, 0 (default) to 19 (last). Workers share the cores with the path of the messages, which
   * should not wait for them.
   */
  niceness?: number;
  /** How long it may take to say that it is ready. Default 60 s: a worker loads and warms its models first. */
  readyLimitMs?: number;
  /** File its output is appended to. The last lines are kept in memory in any case. */
  logFile?: string;
  /** Node's own options, such as `--cpu-prof`. */
  nodeOptions?: readonly string[];
}

const DEFAULT_READY_LIMIT_MS = 60_000;

export class ServiceProcess {
  readonly spec: ServiceSpec;
  readonly pid: number;
  /**
   * Settles with what the service said of itself when it was ready (ids, ports).
   * @throws SlacklineError `service_failed`
   */
  readonly ready: Promise<Readonly<Record<string, unknown>>>;
  /** Settles when it has ended. Never rejects. */
  readonly exited: Promise<Exit>;
  readonly #process: OwnedProcess;
  #isReady = false;

  private constructor(spec: ServiceSpec, owned: OwnedProcess) {
    this.spec = spec;
    this.pid = owned.pid;
    this.exited = owned.exited;
    this.#process = owned;
    this.ready = this.#untilReady();
    // Whoever awaits `ready` sees the failure; nobody has to.
    this.ready.catch(() => undefined);
  }

  /** Starts it, without waiting until it is ready. @throws the error of `spawn` if Node itself cannot be run */
  static async start(spec: ServiceSpec): Promise<ServiceProcess> {
    const guard = pathToFileURL(inCheckout('packages/local/child/guard.js')).href;
    const owned = await startOwnedProcess({
      command: process.execPath,
      args: ['--import', guard, ...(spec.nodeOptions ?? []), spec.entry, ...(spec.args ?? [])],
      env: { ...process.env, ...spec.env },
      ipc: true,
      ...(spec.niceness !== undefined && { niceness: spec.niceness }),
      ...(spec.logFile !== undefined && { log: { file: spec.logFile } }),
    });
    return new ServiceProcess(spec, owned);
  }

  get name(): string {
    return this.spec.name;
  }

  /** Whether it has said that it is ready, and has not ended. */
  get isReady(): boolean {
    return this.#isReady && this.exit === undefined;
  }

  /** How it ended; undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#process.exit;
  }

  /** What it wrote last, oldest line first. */
  lastLines(): readonly string[] {
    return this.#process.lastLines();
  }

  /** SIGSTOP, SIGCONT …: what a test does to it. */
  signal(signal: NodeJS.Signals): void {
    this.#process.signal(signal);
  }

  /** SIGTERM, and SIGKILL after `graceMs`. */
  stop(graceMs: number): Promise<Exit> {
    return this.#process.end(graceMs);
  }

  /** SIGKILL, at once. */
  kill(): Promise<Exit> {
    return this.#process.kill();
  }

  async #untilReady(): Promise<Readonly<Record<string, unknown>>> {
    const limitMs = this.spec.readyLimitMs ?? DEFAULT_READY_LIMIT_MS;
    let timer: NodeJS.Timeout | undefined;
    const said = new Promise<Readonly<Record<string, unknown>>>((resolve) => {
      this.#process.onMessage((message) => {
        if (isReadyMessage(message)) resolve(message);
      });
    });
    const ended = this.exited.then((exit) => `${describeExit(exit)} before it was ready`);
    const tooLate = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`was not ready within ${limitMs} ms`), limitMs);
    });
    const outcome = await Promise.race([said, ended, tooLate]);
    clearTimeout(timer);
    if (typeof outcome === 'string') {
      await this.kill();
      throw startFailure(this.name, outcome, this.lastLines());
    }
    this.#isReady = true;
    return outcome;
  }
}

function isReadyMessage(message: unknown): message is Readonly<Record<string, unknown>> {
  return typeof message === 'object' && message !== null && 'ready' in message && message.ready === true;
}
