/** Who schedules, as the bucket `leader` says it: a lease with a fencing token (services/scheduler/src/leadership.ts). */
import { z } from 'zod';
import type { KeyBucket } from './bus/bus.js';
import { readKey } from './read-key.js';

export const leaseKey = 'scheduler';

/** `scheduler` is empty when the lease was given up. */
export const leaseValue = z.object({ scheduler: z.string(), token: z.int().min(0) });
export type LeaseValue = z.infer<typeof leaseValue>;

/** The token of whoever leads, or led last; undefined where nobody ever did. Throws what the bus throws. */
export async function readLeaseToken(leader: KeyBucket): Promise<number | undefined> {
  return (await readKey(leader, leaseKey, leaseValue))?.token;
}
