/** A connection to a running system, for commands that do not start one. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Bus,
  commonConfig,
  connectBus,
  type KeyBucket,
  type ObjectBucket,
  readConfig,
  Subjects,
  uploadMaxAgeMs,
} from '@slackline/shared';
import { CommandError } from './errors.js';

/** What the commands of a running system need of it. */
export interface Connection {
  bus: Bus;
  subjects: Subjects;
  /** Served models and their latency. */
  profiles: KeyBucket;
  /** Records of submissions, and their files. */
  records: KeyBucket;
  uploads: ObjectBucket;
}

/** A command must not wait long for a system that is not there. */
const connectLimitMs = 3_000;
/** Nor for an interrupted command to end. */
const closeLimitMs = 250;

/**
 * Connects for as long as `use` takes. Where NATS is: the option `--nats`, else NATS_URL, else nats://127.0.0.1:4222; tokens
 * before every subject: SUBJECT_PREFIX. Throws `nats_unreachable`, and `CommandError` where no Slackline is under that prefix.
 *
 * @param signal once it has aborted, closing takes a moment at most
 */
export async function withConnection<T>(
  nats: string | undefined,
  use: (to: Connection) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const config = readConfig(commonConfig, { ...process.env, ...(nats !== undefined && { NATS_URL: nats }) });
  const bus = await connectBus({ url: config.NATS_URL, name: 'slackline', timeoutMs: connectLimitMs });
  try {
    const subjects = new Subjects(config.SUBJECT_PREFIX);
    const { stores } = subjects;
    // Opening a bucket creates it: a mistyped prefix must not.
    if (!(await bus.hasKeys(stores.profiles))) {
      const where =
        config.SUBJECT_PREFIX === '' ? 'without a SUBJECT_PREFIX' : `under the prefix ${config.SUBJECT_PREFIX}`;
      throw new CommandError(
        `There is no Slackline ${where} on this NATS. Start one, for instance with: npm start -- up`,
        { code: 'no_system' },
      );
    }
    const storage = { storage: config.STORAGE, replicas: config.REPLICAS };
    const [profiles, records, uploads] = await Promise.all([
      bus.keys(stores.profiles, storage),
      bus.keys(stores.submissions, storage),
      bus.objects(stores.submissions, { ...storage, maxAgeMs: uploadMaxAgeMs }),
    ]);
    return await use({ bus, subjects, profiles, records, uploads });
  } finally {
    const closed = bus.close();
    // What is left of an upload that was broken off need not be sent.
    await (signal?.aborted ? Promise.race([closed, delay(closeLimitMs)]) : closed);
  }
}
