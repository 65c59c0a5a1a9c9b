/** Entry of the witness's thread: it hears everything, and neither the load nor the injector waits for it. */
import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { connectBus, type KeyBucket, SlacklineError, Subjects, type Subscription } from '@slackline/shared';
import { Listener } from './listener.js';
import type { WitnessMessage, WitnessOptions } from './witness.js';

/** A broker that is paused must not cost the witness its connection: what is said when it goes on, nobody else may hear. */
const patienceMs = 15_000;
const { natsUrl, subjectPrefix, storage, hearsAnswers } = workerData as WitnessOptions;
const send = (message: WitnessMessage) => parentPort?.postMessage(message);

async function witness(): Promise<void> {
  const listener = new Listener();
  const subjects = new Subjects(subjectPrefix);
  const bus = await connectBus({ url: natsUrl, name: 'slackline-witness', patienceMs });
  let leases: Promise<Subscription | undefined> = Promise.resolve(undefined);
  const follow = async (): Promise<Subscription> => {
    const bucket: KeyBucket = await bus.keys(subjects.stores.leader, { storage, replicas: 1 });
    return bucket.watch(({ value }) => listener.lease(value));
  };
  bus.onStatus((status) => {
    listener.connection(status);
    // A broker that was restarted may have forgotten who watches.
    if (status !== 'reconnected') return;
    leases = leases.then(async (last) => {
      await last?.drain().catch(() => undefined);
      return follow().catch(() => undefined);
    });
  });
  bus.subscribe(subjects.queries('>'), listener.query);
  bus.subscribe(subjects.batch('*'), listener.batch);
  bus.subscribe(subjects.batchesDone, listener.done);
  bus.subscribe(subjects.heartbeat('*'), listener.heartbeat);
  bus.subscribe(subjects.fenced('*'), listener.fenced);
  const [inboxes = ''] = bus.newInbox().split('.');
  if (hearsAnswers) bus.subscribe(`${inboxes}.>`, listener.answer);
  leases = follow();
  await leases;
  await bus.flush();
  const begun = performance.eventLoopUtilization();
  send({ kind: 'listening' });
  await new Promise((resolve) => parentPort?.once('message', resolve));
  const { utilization } = performance.eventLoopUtilization(begun);
  // What was published before this moment is heard before it answers.
  await bus.flush().catch(() => undefined);
  send({ kind: 'witnessed', witnessed: listener.witnessed(utilization) });
  await bus.close();
}

try {
  await witness();
} catch (error) {
  // An error's class does not cross threads; its code and its sentence do.
  if (!(error instanceof SlacklineError)) throw error;
  send({ kind: 'failed', code: error.code, message: error.message });
} finally {
  parentPort?.close();
}
