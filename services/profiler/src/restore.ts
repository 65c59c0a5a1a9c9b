/**
 * Writes the catalog again when a restarted broker has forgotten it, as one that keeps everything in memory does: what is
 * served is known here, and workers still hold it.
 */
import { type Clock, hasCode, type KeyBucket, type Log, type Subscription } from '@slackline/shared';

const retryMs = 500;

export interface RestoreParts {
  /** The bucket `profiles`. */
  keys: KeyBucket;
  clock: Clock;
  log: Log;
  /** Called first: stores again what the entries name. Tried again when it throws. */
  prepare: () => Promise<void>;
}

/** Watches over the bucket until it is drained. */
export async function restoreWhenLost({ keys, clock, log, prepare }: RestoreParts): Promise<Subscription> {
  /** The bucket as it was seen last. */
  const known = new Map<string, Uint8Array>();
  const missing = new Set<string>();
  let restoring: Promise<void> | undefined;
  let cancelRetry: () => void = () => {};
  let stopped = false;

  const restore = async () => {
    const count = missing.size;
    await prepare();
    for (const key of [...missing]) {
      const value = known.get(key);
      if (value !== undefined && !stopped) await writeIfAbsent(keys, key, value);
      missing.delete(key);
    }
    log.warn({ keys: count }, 'the broker had forgotten the catalog; it is written again');
  };
  const start = () => {
    if (restoring !== undefined || stopped) return;
    restoring = restore()
      .catch((error: unknown) => log.warn({ err: error }, 'the catalog could not be written again; trying once more'))
      .then(() => {
        restoring = undefined;
        // Also what was lost while this ran.
        if (missing.size > 0 && !stopped) cancelRetry = clock.after(retryMs, start);
      });
  };
  const watch = await keys.watch(({ key, value, lost }) => {
    if (lost) missing.add(key);
    else if (value === undefined) known.delete(key);
    else known.set(key, value);
    if (!lost) missing.delete(key);
    if (missing.size > 0) start();
  });
  return {
    async drain() {
      stopped = true;
      cancelRetry();
      await watch.drain();
      await restoring;
    },
  };
}

/** Somebody may have written it meanwhile: what is there stays. */
async function writeIfAbsent(keys: KeyBucket, key: string, value: Uint8Array): Promise<void> {
  try {
    await keys.compareAndSet(key, value, 0);
  } catch (error) {
    if (!hasCode(error, 'conflict')) throw error;
  }
}
