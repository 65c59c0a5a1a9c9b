/**
 * The catalog of served models, as a producer follows it: by plain subscription and by reading what is stored. A watch of
 * the bucket would need a consumer, and who may create one can have its messages delivered to anybody.
 */
import {
  type Bus,
  type BusMessage,
  type ModelListener,
  profileKeys,
  type Subjects,
  type Subscription,
  tellModel,
} from '@slackline/shared';
import { storedMessages, subjectHeader } from './stored-messages.js';

/** Set by whoever deletes a key. */
const operationHeader = 'KV-Operation';

/** Follows the catalog, over reconnects too. Resolves when all that is there has been told. Throws what reading throws. */
export async function followCatalog(bus: Bus, subjects: Subjects, listener: ModelListener): Promise<Subscription> {
  const bucket = subjects.stores.profiles;
  const models = subjects.profile(profileKeys.model('*'));
  const prefix = subjects.profile('');
  /** Keys that were told. */
  const known = new Set<string>();
  /** Keys that came by themselves since the reading began: what is read of them may be older. */
  let fresh = new Set<string>();

  const tell = (subject: string, message: BusMessage) => {
    const key = subject.slice(prefix.length);
    const value = message.headers.get(operationHeader) === undefined ? message.data : undefined;
    if (value === undefined) known.delete(key);
    else known.add(key);
    tellModel({ key, revision: 0, value }, 'model', listener);
  };
  const read = async () => {
    fresh = new Set();
    const stored = new Set<string>();
    for await (const message of storedMessages(bus, `KV_${bucket}`, models)) {
      const subject = message.headers.get(subjectHeader) ?? '';
      stored.add(subject.slice(prefix.length));
      if (!fresh.has(subject)) tell(subject, message);
    }
    // A broker that kept the bucket in memory has lost it with its restart.
    for (const key of [...known].filter((key) => !stored.has(key) && !fresh.has(`${prefix}${key}`))) {
      known.delete(key);
      tellModel({ key, revision: 0, value: undefined }, 'model', listener);
    }
  };

  const subscription = bus.subscribe(models, (message) => {
    fresh.add(message.subject);
    tell(message.subject, message);
  });
  try {
    await bus.flush();
    await read();
  } catch (error) {
    await subscription.drain();
    throw error;
  }
  let reading = Promise.resolve();
  let isOver = false;
  bus.onStatus((status) => {
    if (status !== 'reconnected' || isOver) return;
    // What cannot be read now is read after the next reconnect; what is known stays until then.
    reading = reading.then(read).catch(() => undefined);
  });
  return {
    drain: async () => {
      isOver = true;
      await subscription.drain();
      await reading;
    },
  };
}
