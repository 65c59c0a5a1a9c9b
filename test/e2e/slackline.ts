/** The built `slackline` command as a process of its own: what it prints, which processes it has, and what it leaves. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type RunDocument, runDocument } from '@slackline/cli';
import { inCheckout } from '@slackline/local';

const command = inCheckout('packages/cli/dist/main.js');

/** Why the shipped model cannot be served, or undefined when it can; the name of a test that is skipped says it. */
export const reasonToSkip = [command, inCheckout('models/fashion/subnets.json')]
  .filter((path) => !existsSync(path))
  .map((path) => `${path} is missing`)[0];

/** Behind the name of a suite. */
export const because = reasonToSkip === undefined ? '' : ` (skipped: ${reasonToSkip})`;

/** A process that the command started, directly or not. */
export interface Descendant {
  pid: number;
  args: string;
}

export class Slackline {
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly pid: number;
  readonly #child;
  readonly #onLine = new Set<(line: string) => void>();
  readonly #seen = new Map<number, Descendant>();
  #watching = true;
  readonly #watch: Promise<void>;

  private constructor(
    args: readonly string[],
    readonly temporary: string,
  ) {
    const { NATS_URL: _natsUrl, ...env } = process.env;
    this.#child = spawn(process.execPath, [command, ...args], {
      env: { ...env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.pid = this.#child.pid ?? 0;
    for (const [stream, lines] of [
      [this.#child.stdout, this.stdout] as const,
      [this.#child.stderr, this.stderr] as const,
    ]) {
      createInterface(stream).on('line', (line) => {
        lines.push(line);
        for (const listener of this.#onLine) listener(line);
      });
    }
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
    });
    this.#watch = this.#watchDescendants();
  }

  /** Starts the command with a temporary folder of its own, so that what it leaves there can be seen. */
  static async start(args: readonly string[]): Promise<Slackline> {
    return new Slackline(args, await mkdtemp(join(tmpdir(), 'slackline-e2e-')));
  }

  /** Runs the command to its end. Throws when it fails or its last line is no result. */
  static async result(args: readonly string[]): Promise<RunDocument> {
    const run = await Slackline.start([...args, '--json']);
    try {
      const { code } = await run.exited;
      if (code !== 0) throw new Error(`it ended with ${code}:\n${run.stderr.join('\n')}`);
      return runDocument.parse(JSON.parse(run.stdout.at(-1) ?? ''));
    } finally {
      await run.cleanUp();
    }
  }

  /** The first line, of either stream, that matches; also one that was printed already. Throws when the command ends without. */
  async line(pattern: RegExp): Promise<string> {
    const printed = [...this.stdout, ...this.stderr].find((line) => pattern.test(line));
    if (printed !== undefined) return printed;
    let listener: (line: string) => void = () => {};
    const found = new Promise<string>((resolve) => {
      listener = (line) => pattern.test(line) && resolve(line);
      this.#onLine.add(listener);
    });
    const ended = this.exited.then(({ code }) => {
      throw new Error(`it ended with ${code} without ${pattern}:\n${this.stderr.join('\n')}`);
    });
    try {
      return await Promise.race([found, ended]);
    } finally {
      this.#onLine.delete(listener);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** All processes that it ever had, as far as they lived long enough to be seen. */
  get descendants(): readonly Descendant[] {
    return [...this.#seen.values()];
  }

  /** Those of its processes that still run. After its end there should be none. */
  async survivors(): Promise<Descendant[]> {
    const running = await processes();
    return this.descendants.filter(({ pid, args }) => running.get(pid)?.args === args);
  }

  /** What it left in its temporary folder. */
  leftovers(): Promise<string[]> {
    return readdir(this.temporary);
  }

  /** Ends the command if it still runs, and removes its temporary folder. */
  async cleanUp(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM');
    await this.exited;
    this.#watching = false;
    await this.#watch;
    await rm(this.temporary, { recursive: true, force: true });
  }

  async #watchDescendants(): Promise<void> {
    while (this.#watching) {
      const running = await processes();
      for (const [pid, { args }] of running) if (isUnder(pid, this.pid, running)) this.#seen.set(pid, { pid, args });
      await delay(100);
    }
  }
}

interface ProcessRow {
  parent: number;
  args: string;
}

/** All processes of the machine that are not zombies. */
async function processes(): Promise<Map<number, ProcessRow>> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { maxBuffer: 16 << 20 });
  const rows = new Map<number, ProcessRow>();
  for (const line of stdout.split('\n')) {
    const [, pid, parent, state, args] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || state === undefined || state.startsWith('Z')) continue;
    rows.set(Number(pid), { parent: Number(parent), args: args ?? '' });
  }
  return rows;
}

function isUnder(pid: number, ancestor: number, running: ReadonlyMap<number, ProcessRow>): boolean {
  for (let row = running.get(pid); row !== undefined; row = running.get(row.parent)) {
    if (row.parent === ancestor) return true;
  }
  return false;
}
