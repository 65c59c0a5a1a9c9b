/**
 * A child process that has an owner: it never outlives the process that started it.
 *
 * It runs in its own process group, so that Ctrl-C in the terminal reaches only the parent, which then ends its
 * children in order. On the parent's normal exit, uncaught error, SIGINT, SIGTERM or SIGHUP the group is killed; a
 * parent that dies of SIGKILL can do nothing itself, for that see `child/guard.js` (Node children) and
 * `dieWithParent` (other programs, Linux).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { onExit } from 'signal-exit';
import { LogTail, type LogTailOptions } from './log-tail.js';

/** How a process ended: exactly one of the two is not null. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface OwnedProcessOptions {
  command: string;
  args: readonly string[];
  /** The whole environment of the child. */
  env: NodeJS.ProcessEnv;
  /** Opens an IPC channel (Node children only). */
  ipc?: boolean;
  /** Scheduling priority, 0 (normal) to 19 (last). */
  niceness?: number;
  log?: LogTailOptions;
}

export class OwnedProcess {
  /** Settles when the process has ended and all it wrote has been read. Never rejects. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #pid: number;
  readonly #log: LogTail;
  #exit: Exit | undefined;

  /** Use {@link startOwnedProcess}. */
  constructor(child: ChildProcess, pid: number, log: LogTail) {
    this.#child = child;
    this.#pid = pid;
    this.#log = log;
    if (child.stdout) log.read(child.stdout);
    if (child.stderr) log.read(child.stderr);
    const release = onExit(() => this.#killGroup());
    // What the process itself started, and did not end, holds the pipes open: it goes with it.
    child.once('exit', () => this.#killGroup());
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        release();
        const exit = { code, signal };
        this.#exit = exit;
        resolve(log.close().then(() => exit));
      });
    });
  }

  get pid(): number {
    return this.#pid;
  }

  /** How it ended; undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** What it wrote last, oldest line first. */
  lastLines(): readonly string[] {
    return this.#log.lines();
  }

  /** Told every IPC message of the child. */
  onMessage(listener: (message: unknown) => void): void {
    this.#child.on('message', listener);
  }

  /** Sends a signal to the process; does nothing once it has ended. */
  signal(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#child.kill(signal);
  }

  /** SIGTERM, then SIGKILL to the whole group after `graceMs`. Returns when it has ended. */
  async end(graceMs: number): Promise<Exit> {
    this.signal('SIGTERM');
    // A process that a test has paused would never see the SIGTERM.
    this.signal('SIGCONT');
    const timer = setTimeout(() => this.#killGroup(), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /** SIGKILL, at once. Returns when it has ended. */
  kill(): Promise<Exit> {
    this.#killGroup();
    return this.exited;
  }

  #killGroup(): void {
    if (this.#exit !== undefined) return;
    try {
      process.kill(-this.#pid, 'SIGKILL');
    } catch {
      // ESRCH: the group has ended by itself.
    }
  }
}

/**
 * Starts a process of its own group.
 * @throws the error of `spawn` (ENOENT, EACCES) if the command cannot be run
 */
export async function startOwnedProcess(options: OwnedProcessOptions): Promise<OwnedProcess> {
  const child = spawn(options.command, options.args, {
    env: options.env,
    detached: true,
    stdio: options.ipc ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw await new Promise<Error>((resolve) => child.once('error', resolve));
  // From here on 'error' only says that a signal or a message came too late.
  child.on('error', () => undefined);
  const owned = new OwnedProcess(child, pid, new LogTail(options.log));
  if (options.niceness !== undefined) lowerPriority(pid, options.niceness);
  return owned;
}

/**
 * Linux shares the cores among sessions first where its autogroup feature is on, and every process here has a session of
 * its own: between them only the priority of the session counts, and `setPriority` alone would change nothing.
 */
function lowerPriority(pid: number, niceness: number): void {
  try {
    setPriority(pid, niceness);
    writeFileSync(`/proc/${pid}/autogroup`, String(niceness));
  } catch {
    // It ended already, which `exited` tells; or priorities are not ours to set, which costs only speed.
  }
}
