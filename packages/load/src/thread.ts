/** Entry of the load's thread: neither a view nor a supervisor then disturbs the pace. */
import { parentPort, workerData } from 'node:worker_threads';
import { SlacklineError } from '@slackline/shared';
import { generateLoad } from './generate.js';
import type { ThreadMessage } from './load.js';
import type { LoadOptions } from './options.js';
import type { Figures } from './tally.js';

const stop = new AbortController();
const send = (message: ThreadMessage) => parentPort?.postMessage(message);

// The only thing that the main thread says is that it is enough.
parentPort?.once('message', () => stop.abort());
try {
  const report = (figures: Figures) => send({ kind: 'progress', figures });
  send({ kind: 'done', figures: await generateLoad(workerData as LoadOptions, report, stop.signal) });
} catch (error) {
  // An error's class does not cross threads; its code and its sentence do.
  if (!(error instanceof SlacklineError)) throw error;
  send({ kind: 'failed', code: error.code, message: error.message });
} finally {
  // Listening would keep the thread alive.
  parentPort?.close();
}
