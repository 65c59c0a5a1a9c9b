/** The catalog of served models, followed as it changes. */
import type { KeyBucket, KeyChange, Subscription } from './bus/bus.js';
import { type ModelEntry, modelEntry } from './catalog.js';
import { profileKeys } from './subjects.js';

/** Told of every model that is there, and of every change. */
export interface ModelListener {
  onServed(entry: ModelEntry): void;
  onGone(name: string): void;
  /** An entry that cannot be read; the model keeps what it had before. */
  onBroken(name: string, reason: string): void;
}

/** Follows the models of the `profiles` bucket. Resolves when all that was there has been told. */
export function watchModels(profiles: KeyBucket, listener: ModelListener): Promise<Subscription> {
  return profiles.watch((change) => tellModel(change, 'model', listener));
}

/**
 * Tells what a change means for models; other changes are passed over. For those who must see several kinds of keys in the
 * order in which they were written: two watches of one bucket may each run ahead of the other.
 *
 * @param kind `model`: what is served; `candidate`: versions that are to take a model's place
 */
export function tellModel(change: KeyChange, kind: 'model' | 'candidate', listener: ModelListener): void {
  const { key, value, lost } = change;
  const prefix = profileKeys[kind]('');
  // Nobody took a lost entry away: its model is served on, and the profiler writes the entry again.
  if (lost || !key.startsWith(prefix)) return;
  const name = key.slice(prefix.length);
  const read = value === undefined ? undefined : readEntry(name, value);
  if (read === undefined) listener.onGone(name);
  else if (typeof read === 'string') listener.onBroken(name, read);
  else listener.onServed(read);
}

/** The entry, or what is wrong with it. */
function readEntry(name: string, value: Uint8Array): ModelEntry | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(value).toString());
  } catch {
    return 'it is not JSON';
  }
  const checked = modelEntry.safeParse(parsed);
  if (!checked.success)
    return checked.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  return checked.data.name === name ? checked.data : `it names the model ${checked.data.name}`;
}
