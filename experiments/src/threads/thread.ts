/** Entry of a thread: runs one task after another. */
import { parentPort } from 'node:worker_threads';
import { runTask, type TaskKind, type TaskOf } from './task-kinds.js';

export interface ThreadRequest {
  kind: TaskKind;
  task: TaskOf<TaskKind>;
}

/** An error's class does not cross threads; what it says does. */
export type ThreadReply = { result: unknown } | { failed: string };

const port = parentPort;
port?.on('message', async ({ kind, task }: ThreadRequest) => {
  try {
    port.postMessage({ result: await runTask(kind, task) } satisfies ThreadReply);
  } catch (error) {
    port.postMessage({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
