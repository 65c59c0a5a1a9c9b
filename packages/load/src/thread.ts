/** Entry of the load's thread: neither a view nor a supervisor then disturbs the pace. */
import { parentPort, workerData } from 'node:worker_threads';
import { SlacklineError, systemClock } from '@slackline/shared';
import { generateLoad } from './generate.js';
import type { LoadCommand, ThreadMessage } from './load.js';
import type { LoadOptions } from './options.js';
import type { Figures } from './tally.js';

const stop = new AbortController();
const enough = new AbortController();
const send = (message: ThreadMessage) => parentPort?.postMessage(message);

parentPort?.on('message', (message: LoadCommand) => (message === 'stop' ? stop : enough).abort());
try {
  const report = (figures: Figures) => send({ kind: 'progress', figures });
  const figures = await generateLoad(workerData as LoadOptions, report, stop.signal, systemClock, enough.signal);
  send({ kind: 'done', figures });
} catch (error) {
  // An error's class does not cross threads; its code and its sentence do.
  if (!(error instanceof SlacklineError)) throw error;
  send({ kind: 'failed', code: error.code, message: error.message });
} finally {
  // Listening would keep the thread alive.
  parentPort?.close();
}
