/**
 * Preloaded (`node --import`) into every service that packages/local starts: a service whose parent is gone ends
 * itself.
 *
 * The IPC channel closes when the parent dies, however it dies. The service then gets the SIGTERM that the parent can
 * no longer send, and has GRACE_MS to drain. Plain JavaScript, outside `src`, because Node reads it before anything
 * is compiled or resolved.
 */
import { isMainThread } from 'node:worker_threads';

const GRACE_MS = 5_000;

// Threads of the service load this file too; the channel is the main thread's, and so is the process's life.
if (isMainThread) {
  // The parent died while Node itself was starting: nobody waits for this service, and there is nothing to drain.
  if (!process.connected) process.exit(1);

  process.once('disconnect', () => {
    setTimeout(() => process.exit(1), GRACE_MS).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  // Listening alone would keep a service alive that has nothing left to do.
  process.channel?.unref();
}
