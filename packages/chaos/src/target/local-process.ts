/**
 * A process of this host that somebody else started. Ids of processes are given anew, and another container's mean others:
 * before every signal it is made sure that the process still is the one that was found. Linux.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SlacklineError } from '@slackline/shared';

/** What tells a process apart from any other that had, or will have, its id. */
interface Identity {
  /** Ticks since boot. */
  readonly started: string;
  readonly commandLine: string;
}

const lookEveryMs = 20;
/** Services give themselves 15 s to shut down. */
const stopGraceMs = 20_000;

export class LocalProcess {
  private constructor(
    readonly pid: number,
    private readonly identity: Identity,
  ) {}

  /** The process of that id, if its command line matches; undefined where there is none, or it is another. */
  static find(pid: number, commandLine: RegExp): LocalProcess | undefined {
    // 0 and negative ids mean groups of processes, 1 is the machine's own.
    if (!Number.isSafeInteger(pid) || pid <= 1 || pid === process.pid) return undefined;
    const identity = identify(pid);
    if (identity === undefined || !commandLine.test(identity.commandLine)) return undefined;
    return new LocalProcess(pid, identity);
  }

  get isAlive(): boolean {
    const now = identify(this.pid);
    return now?.started === this.identity.started && now.commandLine === this.identity.commandLine;
  }

  /** Nothing happens when it has ended. @throws SlacklineError `chaos_unsupported` where it is another user's */
  signal(signal: NodeJS.Signals): void {
    if (!this.isAlive) return;
    try {
      process.kill(this.pid, signal);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ESRCH') return;
      throw new SlacklineError('chaos_unsupported', `Process ${this.pid} takes no signals from this user`, {
        cause: error,
      });
    }
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#gone(Number.POSITIVE_INFINITY);
  }

  /** SIGTERM, and SIGKILL when that takes too long; resolves when it is gone. */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    this.signal('SIGCONT');
    if (!(await this.#gone(stopGraceMs))) await this.kill();
  }

  async #gone(limitMs: number): Promise<boolean> {
    const untilMs = performance.now() + limitMs;
    while (this.isAlive) {
      if (performance.now() > untilMs) return false;
      await delay(lookEveryMs);
    }
    return true;
  }
}

/** Undefined where there is no such process, or only what its parent has not taken note of. */
function identify(pid: number): Identity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before it is in parentheses and may hold anything; behind it the state, and the start as the 20th field.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const started = fields[18];
    if (state === 'Z' || state === 'X' || started === undefined) return undefined;
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { started, commandLine };
  } catch {
    return undefined;
  }
}
