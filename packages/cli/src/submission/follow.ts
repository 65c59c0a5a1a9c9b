/** Follows a submission by its record until it is a model, or is none any more. */
import {
  type KeyBucket,
  type ModelEntry,
  modelEntry,
  parseValue,
  profileKeys,
  readKey,
  SlacklineError,
  type SubmissionRecord,
  type Subscription,
  submissionRecord,
} from '@slackline/shared';
import type { Connection } from '../connection.js';

type OnProgress = (record: SubmissionRecord, all: readonly SubmissionRecord[]) => void;

/**
 * Resolves with the published model. Throws what the submission failed with, `submission_abandoned` when it was taken back
 * or replaced, or the reason of `signal`, which leaves it alone.
 *
 * @param onProgress is told the record with every change; while it is queued also with every change of another. `all` are
 *   the submissions of the system
 */
export async function follow(
  { profiles, records }: Pick<Connection, 'profiles' | 'records'>,
  { name, digest }: { name: string; digest: string },
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<ModelEntry> {
  const gone = await untilGone(records, name, digest, onProgress, signal);
  const published = await readModel(profiles, name);
  if (published?.submission === digest) return published;
  throw new SlacklineError('submission_abandoned', `The submission of ${name} was ${gone}`);
}

/** The record of a pending or failed submission. */
export function readRecord(records: KeyBucket, name: string): Promise<SubmissionRecord | undefined> {
  return readKey(records, name, submissionRecord);
}

/** The entry of a served model. */
export function readModel(profiles: KeyBucket, name: string): Promise<ModelEntry | undefined> {
  return readKey(profiles, profileKeys.model(name), modelEntry);
}

/** Resolves when there is no record of this submission any more; throws what it failed with. */
async function untilGone(
  records: KeyBucket,
  name: string,
  digest: string,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<'taken back' | 'replaced by another'> {
  signal.throwIfAborted();
  let opening: Promise<Subscription> | undefined;
  let settled = false;
  let onAbort: () => void = () => {};
  try {
    return await new Promise((resolve, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort);
      let known = false;
      const all = new Map<string, SubmissionRecord>();
      const see = (record: SubmissionRecord | undefined) => {
        if (record?.digest !== digest) return resolve('replaced by another');
        if (record.error !== undefined) reject(SlacklineError.relayed(record.error.code, record.error.message));
        else onProgress(record, [...all.values()]);
      };
      opening = records.watch(({ key, value }) => {
        if (settled) return;
        const record = value && parseValue(value, submissionRecord);
        if (record === undefined) all.delete(key);
        else all.set(key, record);
        if (key === name) {
          known = true;
          if (value === undefined) resolve('taken back');
          else see(record);
        } else if (all.get(name)?.state === 'queued') see(all.get(name));
      });
      // A record that is not there was ended before we looked.
      opening.then(() => known || resolve('taken back'), reject);
    });
  } finally {
    settled = true;
    signal.removeEventListener('abort', onAbort);
    // Also one that was still being opened: left alone it would go on telling, and keep the process alive.
    await opening?.then(
      (watch) => watch.drain(),
      () => undefined,
    );
  }
}
