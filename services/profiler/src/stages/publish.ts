/** Last stage: puts a servable into the object store and what the other services must know into KV. */
import type { BucketConfig, Bus, KeyBucket, ModelEntry, Subjects } from '@slackline/shared';
import { profileKeys } from '@slackline/shared';
import { packServable, type Servable } from '@slackline/supernet';

/** Uploads a servable unless the store has it. Resolves with its digest. */
export async function uploadServable(
  bus: Bus,
  subjects: Subjects,
  storage: BucketConfig,
  servable: Servable,
): Promise<string> {
  const { data, digest } = packServable(servable);
  const store = await bus.objects(subjects.stores.models, storage);
  const stored = await store.get(digest);
  if (stored === undefined || !Buffer.from(data).equals(stored)) await store.put(digest, data);
  return digest;
}

/** Makes a model known. The servable must be in the store before: workers fetch it on this word. */
export async function publishModel(keys: KeyBucket, entry: ModelEntry): Promise<void> {
  await putIfChanged(keys, profileKeys.model(entry.name), entry);
}

/** Writes `value` as JSON unless the key holds just that: watchers are told of changes only. */
export async function putIfChanged(keys: KeyBucket, key: string, value: unknown): Promise<void> {
  const json = Buffer.from(JSON.stringify(value));
  const entry = await keys.get(key);
  if (entry === undefined || !json.equals(entry.value)) await keys.put(key, json);
}
