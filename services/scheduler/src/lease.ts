/** The lease as it stands in its key: read whoever may have written it, and written within a time. */
import { type Clock, type KeyBucket, type LeaseValue, leaseKey, leaseValue, SlacklineError } from '@slackline/shared';

/**
 * No leader's token is so far ahead of the broker's time. One that is was written by somebody else, and to go on from it would
 * end where numbers are no longer exact: then no token would be larger than the last.
 */
export const farthestAheadMs = 24 * 60 * 60 * 1_000;

/** Who holds the lease; '': nobody. The token is 0 where it is none that a leader can have. */
export interface LeaseHolder {
  holder: string;
  token: number;
}

export function readLease(value: Uint8Array | undefined, brokerNowMs: number): LeaseHolder {
  if (value === undefined) return { holder: '', token: 0 };
  try {
    const { scheduler, token } = leaseValue.parse(JSON.parse(Buffer.from(value).toString()));
    return { holder: scheduler, token: token <= brokerNowMs + farthestAheadMs ? token : 0 };
  } catch {
    // Whoever wrote it: it is left to run out.
    return { holder: 'unknown', token: 0 };
  }
}

/** Writes over `revision`. Throws `conflict`, and `timeout` when there is no answer within `limitMs`: it may be stored late. */
export async function writeLease(
  keys: Pick<KeyBucket, 'compareAndSet'> | undefined,
  value: LeaseValue,
  revision: number,
  { clock, limitMs }: { clock: Clock; limitMs: number },
): Promise<number> {
  if (keys === undefined) throw new SlacklineError('bus_failed', 'The lease’s bucket is not open');
  let cancel: () => void = () => {};
  const late = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new SlacklineError('timeout', 'Writing the lease took too long'));
    // When this process itself was held up, the answer lies there and is read before anything immediate.
    cancel = clock.after(limitMs, () => setImmediate(giveUp));
  });
  try {
    return await Promise.race([keys.compareAndSet(leaseKey, Buffer.from(JSON.stringify(value)), revision), late]);
  } finally {
    cancel();
  }
}
