/** Solves on a thread of its own, so that whoever asks goes on meanwhile. */
import { Worker } from 'node:worker_threads';
import type { MipSolution, MixedIntegerProgram } from '@slackline/scheduling';
import { SolverError, type SolverLimits } from './solver.js';

export interface SolveRequest {
  id: number;
  problem: MixedIntegerProgram;
  limits: SolverLimits;
}

export type SolveReply = { id: number; solution: MipSolution } | { id: number; failure: string };

interface Waiting {
  resolve: (solution: MipSolution) => void;
  reject: (error: SolverError) => void;
}

/** Threads run compiled code, also where this file runs as a source. */
const entry = new URL('../dist/thread.js', import.meta.url);

export class SolverThread {
  readonly #waiting = new Map<number, Waiting>();
  #thread: Worker | undefined;
  #lastId = 0;
  #closed = false;

  /**
   * Solves after whatever was asked before. The thread begins with the first program, and begins anew after it has died.
   *
   * Rejects with a SolverError when HiGHS fails, when the thread dies, and when it is closed.
   */
  solve(problem: MixedIntegerProgram, limits: SolverLimits = {}): Promise<MipSolution> {
    if (this.#closed) return Promise.reject(new SolverError('the solver is closed'));
    this.#thread ??= this.#begin();
    const request: SolveRequest = { id: ++this.#lastId, problem, limits };
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.id, { resolve, reject });
      this.#thread?.postMessage(request);
    });
  }

  /** Ends the thread, in the middle of a solve if need be. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#thread?.terminate();
    this.#fail('the solver was closed');
  }

  #begin(): Worker {
    const thread = new Worker(entry, { execArgv: [] });
    thread.on('message', (reply: SolveReply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if ('failure' in reply) waiting?.reject(new SolverError(reply.failure));
      else waiting?.resolve(reply.solution);
    });
    thread.once('error', (error) => this.#fail(`the solver's thread died: ${error.message}`));
    thread.once('exit', () => {
      if (this.#thread === thread) this.#thread = undefined;
      this.#fail('the solver’s thread ended');
    });
    return thread;
  }

  #fail(reason: string): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of all) reject(new SolverError(reason));
  }
}
