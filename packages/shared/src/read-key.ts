/** Values of buckets are JSON; what of it another version wrote, and does not fit its schema, counts as absent. */
import type { z } from 'zod';
import type { KeyBucket } from './bus/bus.js';

/** The value of a key, or undefined when it is absent or does not fit. */
export async function readKey<T>(keys: KeyBucket, key: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const entry = await keys.get(key);
  return entry === undefined ? undefined : parseValue(entry.value, schema);
}

/** What a watch or `readAll` gave, or undefined when it does not fit. */
export function parseValue<T>(value: Uint8Array, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(new TextDecoder().decode(value))).data;
  } catch {
    return undefined;
  }
}
