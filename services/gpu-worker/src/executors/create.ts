/** The executors of a process. */
import type { WorkerConfig } from '../config.js';
import type { Choice } from './choose.js';
import { EmulatedExecutor } from './emulated-executor.js';
import type { Executor } from './executor.js';
import { Holder } from './holder.js';
import { ThreadExecutor } from './thread-executor.js';

export interface Executors {
  /** A new executor for one worker, which closes it. */
  create(): Executor;
  /** Lets go of what the executors share. */
  close(): Promise<void>;
}

/** A thread's compiled entry: Node 20 runs no TypeScript, so sources that run unbuilt (in tests) use the build beside them. */
export function threadEntry(file: string): URL {
  return new URL(import.meta.url.endsWith('.ts') ? `../../dist/executors/${file}` : `./${file}`, import.meta.url);
}

/** @param executor the one that was chosen */
export function createExecutors(executor: Choice['executor'], config: Pick<WorkerConfig, 'THREADS'>): Executors {
  if (executor !== 'emulated') {
    const data = { threads: config.THREADS, executionProvider: executor };
    const create = () => new ThreadExecutor(executor, threadEntry('inference-thread.js'), data);
    return { create, close: () => Promise.resolve() };
  }
  // One thread waits for all: waiting is no work.
  const holder = new Holder(threadEntry('hold-thread.js'));
  return { create: () => new EmulatedExecutor(holder), close: () => holder.close() };
}
