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

/**
 * Resolves with the published model. Throws what the submission failed with, `submission_abandoned` when it was taken back
 * or replaced, or the reason of `signal`, which leaves it alone.
 *
 * @param onProgress is told the record with every change
 */
export async function follow(
  { profiles, records }: Pick<Connection, 'profiles' | 'records'>,
  { name, digest }: { name: string; digest: string },
  onProgress: (record: SubmissionRecord) => void,
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
  onProgress: (record: SubmissionRecord) => void,
  signal: AbortSignal,
): Promise<'taken back' | 'replaced by another'> {
  let watch: Subscription | undefined;
  let onAbort: () => void = () => {};
  try {
    return await new Promise((resolve, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
      let known = false;
      const see = (value: Uint8Array | undefined) => {
        known = true;
        if (value === undefined) return resolve('taken back');
        const record = parseValue(value, submissionRecord);
        if (record?.digest !== digest) return resolve('replaced by another');
        if (record.error !== undefined) reject(SlacklineError.relayed(record.error.code, record.error.message));
        else onProgress(record);
      };
      const begin = async () => {
        watch = await records.watch(({ key, value }) => {
          if (key === name) see(value);
        });
        // It ended before we looked.
        if (!known) resolve('taken back');
      };
      begin().catch(reject);
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
    await watch?.drain();
  }
}
