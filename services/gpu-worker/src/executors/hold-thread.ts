/** The thread behind Holder: sleeps until the nearest moment, or until it is woken for a nearer one. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type HolderThreadData, holderNow } from './holder.js';
import { Holds } from './holds.js';

function serve(port: MessagePort, holds: Holds): never {
  for (;;) {
    // Read before the slots are: a moment that is added in between makes the sleep below end at once.
    const { signal } = holds;
    const due = holds.due(holderNow());
    if (due.length > 0) port.postMessage(due);
    holds.sleep(signal, holderNow);
  }
}

if (parentPort !== null) serve(parentPort, new Holds((workerData as HolderThreadData).holds));
