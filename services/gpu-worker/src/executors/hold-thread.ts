/** The thread behind Holder: sleeps until the nearest requested moment or a new request, whichever comes first. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { type HolderThreadData, type HoldRequest, holderNow } from './holder.js';

function serve(port: MessagePort, signal: Int32Array): never {
  let pending: HoldRequest[] = [];
  for (;;) {
    // Read before the port is emptied: a request that comes in between makes the wait below return at once.
    const seen = Atomics.load(signal, 0);
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      pending.push(next.message as HoldRequest);
    }
    const now = holderNow();
    const due = pending.filter((request) => request.untilMs <= now);
    if (due.length > 0) {
      port.postMessage(due.map((request) => request.id));
      pending = pending.filter((request) => request.untilMs > now);
    }
    const nearestMs = pending.reduce((least, request) => Math.min(least, request.untilMs), Number.POSITIVE_INFINITY);
    Atomics.wait(signal, 0, seen, Math.max(0, nearestMs - holderNow()));
  }
}

if (parentPort !== null) serve(parentPort, new Int32Array((workerData as HolderThreadData).signal));
