/** What a bucket of keys holds at a moment. */
import type { KeyBucket } from './bus/bus.js';

/** Every key and its value. */
export async function readAll(keys: KeyBucket): Promise<Map<string, Uint8Array>> {
  const values = new Map<string, Uint8Array>();
  const watch = await keys.watch(({ key, value }) => {
    if (value === undefined) values.delete(key);
    else values.set(key, value);
  });
  await watch.drain();
  return values;
}
