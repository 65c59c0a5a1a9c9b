/** The thread behind SolverThread: one program after the other. */
import { parentPort } from 'node:worker_threads';
import { createSolver } from './solver.js';
import type { SolveReply, SolveRequest } from './solver-thread.js';

const solver = await createSolver();

parentPort?.on('message', ({ id, problem, limits }: SolveRequest) => {
  parentPort?.postMessage(reply(id, problem, limits));
});

function reply(id: number, problem: SolveRequest['problem'], limits: SolveRequest['limits']): SolveReply {
  try {
    return { id, solution: solver.solve(problem, limits) };
  } catch (error) {
    return { id, failure: error instanceof Error ? error.message : String(error) };
  }
}
