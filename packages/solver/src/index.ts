/** Mixed-integer programs solved by HiGHS (WebAssembly), in place or on a thread of its own. */
export { createSolver, Solver, SolverError, type SolverLimits } from './solver.js';
export { SolverThread } from './solver-thread.js';
