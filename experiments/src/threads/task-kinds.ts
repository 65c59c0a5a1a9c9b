/**
 * What threads can be asked for. Tasks and results are plain data, because they cross threads. A new kind is a line here;
 * its module must not import the frame.
 */
import { runCell } from '../cells/run-cell.js';
import { sustainedRate } from '../cells/sustained.js';
import { runWindow } from '../optimum/run-window.js';

const taskKinds = {
  /** One simulation. */
  cell: runCell,
  /** The highest rate that is sustained, by simulations. */
  sustained: sustainedRate,
  /** One window: its optimum, and every policy on it. */
  'optimum-window': runWindow,
} as const;

type TaskKinds = typeof taskKinds;
export type TaskKind = keyof TaskKinds;
export type TaskOf<K extends TaskKind> = Parameters<TaskKinds[K]>[0];
export type TaskResult<K extends TaskKind> = Awaited<ReturnType<TaskKinds[K]>>;

/** Runs a task where it is called. */
export async function runTask<K extends TaskKind>(kind: K, task: TaskOf<K>): Promise<TaskResult<K>> {
  const run = taskKinds[kind] as (task: TaskOf<K>) => TaskResult<K> | Promise<TaskResult<K>>;
  return await run(task);
}
