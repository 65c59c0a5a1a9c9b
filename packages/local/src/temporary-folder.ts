/**
 * Temporary folders that do not outlive their process: removed by it, at the latest when it exits; and where it was
 * killed, by the next process that makes such a folder.
 *
 * A folder carries the mark of its owner, by which another process can tell that the owner is dead: the process's id and
 * when it started, since ids are given anew, and where both count (this boot, this container's process table).
 */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onExit } from 'signal-exit';

const PREFIX = 'slackline-';
const MARK = '.owner.json';

interface Owner {
  readonly pid: number;
  /** Ticks since boot; empty where the system does not tell. */
  readonly started: string;
  /** Where ids of processes mean the same; empty where the system does not tell. */
  readonly scope: string;
}

export class TemporaryFolder {
  readonly path: string;
  readonly #forget: () => void;

  /** @param name says in the path what the folder is for */
  constructor(name: string) {
    removeLeftovers();
    this.path = mkdtempSync(join(tmpdir(), `${PREFIX}${name}-`));
    writeFileSync(join(this.path, MARK), JSON.stringify(ownerOf(process.pid)));
    this.#forget = onExit(() => this.#remove());
  }

  /** Removes it with all it holds. May be called more than once. */
  remove(): void {
    this.#forget();
    this.#remove();
  }

  #remove(): void {
    // A process killed an instant ago may still be writing.
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  }
}

/** Removes the folders of processes that were killed. What cannot be judged or removed stays. */
function removeLeftovers(): void {
  const names = readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX));
  for (const path of names.map((name) => join(tmpdir(), name))) {
    try {
      const owner = JSON.parse(readFileSync(join(path, MARK), 'utf8')) as Partial<Owner>;
      if (isDead(owner)) rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    } catch {
      // Not marked (yet), or another user's.
    }
  }
}

function isDead({ pid, started, scope }: Partial<Owner>): boolean {
  // Without a scope that is ours nothing is known of the owner.
  if (pid === undefined || scope === undefined || scope !== scopeOfIds()) return false;
  return !isAlive(pid) || startOf(pid) !== started;
}

function ownerOf(pid: number): Owner {
  return { pid, started: startOf(pid), scope: scopeOfIds() };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process started. Linux. */
function startOf(pid: number): string {
  const stat = textOf(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The name before it is in parentheses and may hold anything; the start is the twentieth field behind.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** The boot and the process namespace. Linux; elsewhere ids are the machine's. */
function scopeOfIds(): string {
  const boot = textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  return `${boot} ${textOf(() => readlinkSync('/proc/self/ns/pid'))}`;
}

function textOf(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
