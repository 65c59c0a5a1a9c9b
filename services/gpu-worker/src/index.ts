/** What tests and the local stack use of the worker. */
export { deviceClassOf, type WorkerConfig, workerConfig, workerIds } from './config.js';
export { type Choice, chooseExecutor, type Machine, type Wishes } from './executors/choose.js';
export type { Executors } from './executors/create.js';
export type { BatchResult, Executor, ExecutorBatch, MeasureGrid, ModelSources } from './executors/executor.js';
export { type LifeState, transitions } from './life.js';
export { type RunningWorkers, type StartDeps, startWorker } from './start.js';
