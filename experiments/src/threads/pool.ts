/** Threads that run tasks: simulations, solves. One task at a time each; results in the order of the tasks. */
import { Worker } from 'node:worker_threads';
import { runTask, type TaskKind, type TaskOf, type TaskResult } from './task-kinds.js';
import type { ThreadReply, ThreadRequest } from './thread.js';

/** Threads are made of compiled files, also where the sources themselves run. */
const compiled = import.meta.url.endsWith('.ts') ? '../../dist/threads/thread.js' : './thread.js';
const entry = new URL(compiled, import.meta.url);

export class TaskPool {
  readonly #threads: Thread[] = [];

  /**
   * @param size threads, started when there is something to do; 0 runs everything in place
   * @param signal ends what is running
   */
  constructor(
    private readonly size: number,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * Runs all tasks of one kind.
   * @param onDone told how many are done, after each
   * @throws the first task's error, or the signal's reason
   */
  async map<K extends TaskKind>(
    kind: K,
    tasks: readonly TaskOf<K>[],
    onDone: (done: number) => void = () => {},
  ): Promise<TaskResult<K>[]> {
    this.signal.throwIfAborted();
    const results: TaskResult<K>[] = [];
    let [next, done] = [0, 0];
    const work = async (run: (task: TaskOf<K>) => Promise<TaskResult<K>>) => {
      for (let index = next++; index < tasks.length; index = next++) {
        const task = tasks[index];
        if (task === undefined) return;
        results[index] = await run(task);
        this.signal.throwIfAborted();
        onDone(++done);
      }
    };
    if (this.size === 0) await work((task) => runTask(kind, task));
    else {
      while (this.#threads.length < this.size) this.#threads.push(new Thread());
      const onAbort = () => void this.close();
      this.signal.addEventListener('abort', onAbort);
      try {
        await Promise.all(this.#threads.map((thread) => work((task) => thread.run(kind, task))));
      } catch (error) {
        // What the other threads are at is of no use any more; those that come next must not get its results.
        next = tasks.length;
        await this.close();
        this.signal.throwIfAborted();
        throw error;
      } finally {
        this.signal.removeEventListener('abort', onAbort);
      }
    }
    return results;
  }

  /** Ends the threads and what they are doing. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map((thread) => thread.end()));
  }
}

/** One thread, as its owner holds it. */
class Thread {
  readonly #worker = new Worker(entry, { execArgv: [] });
  #settle: ((reply: ThreadReply) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor() {
    this.#worker.on('message', (reply: ThreadReply) => this.#settle?.(reply));
    this.#worker.on('error', (error) => this.#fail?.(error));
    this.#worker.on('exit', () => this.#fail?.(new Error('a thread ended before its task')));
  }

  async run<K extends TaskKind>(kind: K, task: TaskOf<K>): Promise<TaskResult<K>> {
    const reply = await new Promise<ThreadReply>((resolve, reject) => {
      [this.#settle, this.#fail] = [resolve, reject];
      this.#worker.postMessage({ kind, task } satisfies ThreadRequest);
    });
    if ('failed' in reply) throw new Error(reply.failed);
    return reply.result as TaskResult<K>;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
