/** The profiler's side of task-process.ts: starts it, gives it tasks, hears their progress, ends it. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { type SearchOptions, SlacklineError, type SubmissionPart } from '@slackline/shared';
import type { Signature } from './check.js';

/** Name of the file that a build leaves beside the parts. */
export const servableFile = 'servable';

/** What the process is told. The files lie in `directory`, each under the name of its part. */
export interface Task {
  kind: 'check' | 'build';
  directory: string;
  parts: SubmissionPart[];
  name: string;
  sloMs: number;
  options: Omit<SearchOptions, 'front'> & { front?: number };
  /** Of a check: what the model looks like whose place it takes. */
  replaces?: Signature;
}

export interface BuildProgress {
  stage: string;
  done: number;
  total: number;
  /** Of the whole build, 0..1. */
  share: number;
  leftMs?: number | undefined;
}

/** What the process says. */
export type TaskMessage =
  | ({ kind: 'progress' } & BuildProgress)
  | { kind: 'done'; digest?: string }
  | { kind: 'failed'; code: string; message: string };

// Node 20 runs no TypeScript: sources that run unbuilt (in tests) use the build beside them.
const entry = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/submissions/task-process.js' : './task-process.js',
  import.meta.url,
);

/** What Node and the native libraries need. Not the whole environment: it holds the credentials of the bus. */
const passedOn = ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH', 'SystemRoot', 'TEMP', 'TMP'];

function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

/** A process that runs one task at a time. */
export class TaskProcess {
  readonly #child = fork(entry, { env: environment(), execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  readonly #exited = once(this.#child, 'exit');

  /** @param niceness 0 to 19 (last): a build leaves the cores to those who serve */
  constructor(niceness: number) {
    this.#exited.catch(() => {});
    if (this.#child.pid !== undefined && niceness > 0) setPriority(this.#child.pid, niceness);
  }

  /**
   * Runs a task to its end. Resolves with the servable's digest of a build, and with undefined for a check.
   * Throws the task's own error, or `submission_failed` when the process ends on it.
   */
  async run(task: Task, onProgress: (progress: BuildProgress) => void = () => {}): Promise<string | undefined> {
    let listen: (message: TaskMessage) => void = () => {};
    try {
      return await new Promise((resolve, reject) => {
        listen = (message) => {
          if (message.kind === 'progress') onProgress(message);
          else if (message.kind === 'done') resolve(message.digest);
          else reject(SlacklineError.relayed(message.code, message.message));
        };
        this.#child.on('message', listen);
        this.#exited.then(([code, by]) => {
          const how = by === null ? `with code ${code}` : `by ${by}`;
          reject(new SlacklineError('submission_failed', `The process that compiles ${task.name} ended ${how}`));
        }, reject);
        this.#child.send(task, (error) => error !== null && reject(error));
      });
    } finally {
      this.#child.off('message', listen);
    }
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.connected;
  }

  /** Ends it in the middle of whatever it does. */
  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited.catch(() => {});
  }
}
