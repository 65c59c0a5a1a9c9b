/** Buckets of keys with compare-and-set, on the client's KV. */
import { SlacklineError } from '../../errors.js';
import type { BucketConfig, KeyBucket, KeyChange, KeyEntry, Subscription } from '../bus.js';
import { Bucket, replicate } from './bucket.js';
import type { JetStreamClient, JetStreamManager, KV } from './client.js';
import { isApiError, translate, translated } from './errors.js';
import { shielded } from './handlers.js';
import type { Keep } from './kept.js';
import { KeyView } from './key-view.js';
import { storageOf } from './streams.js';

const streamOf = (bucket: string) => `KV_${bucket}`;

/** Opens the bucket, and creates it where it is not there. */
export async function openKeys(
  { js, manager, keep }: { js: JetStreamClient; manager: JetStreamManager; keep: Keep },
  bucket: string,
  config: BucketConfig,
): Promise<KeyBucket> {
  const open = async () => {
    const kv = await js.views.kv(bucket, {
      history: 1,
      replicas: config.replicas,
      storage: storageOf(config),
      ...(config.maxAgeMs !== undefined && { ttl: config.maxAgeMs }),
    });
    await replicate(manager, streamOf(bucket), config.replicas);
    return kv;
  };
  const kv = await translated(`Opening the bucket ${bucket}`, open());
  return new NatsKeys(new Bucket(kv, open), bucket, keep);
}

/** Whether there is such a bucket; none is created. */
export async function hasKeys(manager: JetStreamManager, bucket: string): Promise<boolean> {
  try {
    await manager.streams.info(streamOf(bucket));
    return true;
  } catch (error) {
    if (isApiError(error, 'noStream')) return false;
    throw translate(error, `Looking for the bucket ${bucket}`);
  }
}

export class NatsKeys implements KeyBucket {
  constructor(
    private readonly kv: Pick<Bucket<KV>, 'use' | 'read' | 'reopen'>,
    private readonly bucket: string,
    private readonly keep: Keep,
  ) {}

  async get(key: string): Promise<KeyEntry | undefined> {
    const entry = await this.kv.read(`Reading ${this.bucket}/${key}`, (kv) => kv.get(key));
    if (entry === null || entry.operation !== 'PUT') return undefined;
    return { key, value: entry.value, revision: entry.revision };
  }

  put(key: string, value: Uint8Array): Promise<number> {
    return this.kv.use(`Writing ${this.bucket}/${key}`, (kv) => kv.put(key, value));
  }

  compareAndSet(key: string, value: Uint8Array, revision: number): Promise<number> {
    const write = (kv: KV) => (revision === 0 ? kv.create(key, value) : kv.update(key, value, revision));
    return this.kv.use(`Writing ${this.bucket}/${key}`, write);
  }

  delete(key: string): Promise<void> {
    return this.kv.use(`Deleting ${this.bucket}/${key}`, (kv) => kv.delete(key));
  }

  async watch(onChange: (change: KeyChange) => void): Promise<Subscription> {
    const view = new KeyView(shielded(onChange));
    const kept = this.keep((signal) => this.#openWatch(view, signal, () => kept.again()));
    await translated(`Watching ${this.bucket}`, kept.start());
    return { drain: () => kept.stop() };
  }

  async #openWatch(view: KeyView, signal: AbortSignal, onEnd: () => void): Promise<() => Promise<void>> {
    const kv = await this.kv.reopen();
    const { streamInfo } = await kv.status();
    // A request that waited for a connection is answered although the reconnect has begun another listing: the view is its.
    signal.throwIfAborted();
    view.begin(String(streamInfo.created));
    let shown: () => void = () => {};
    const allShown = new Promise<void>((resolve) => {
      shown = resolve;
    });
    const entries = await kv.watch({ initializedFn: shown });
    // Of a listing that never ends nothing more is wanted.
    if (signal.aborted) entries.stop();
    else signal.addEventListener('abort', () => entries.stop());
    const over = (async () => {
      for await (const { key, revision, operation, value } of entries) {
        if (signal.aborted) return;
        view.entry(key, revision, operation === 'PUT' ? value : undefined);
      }
    })();
    // The client ends the iteration, or makes it fail, when the bucket is gone.
    const ended = over.catch(() => undefined).then(() => 'ended' as const);
    const isEnded = (await Promise.race([allShown, ended])) === 'ended';
    if (isEnded || signal.aborted) {
      entries.stop();
      throw new SlacklineError('bus_failed', `Watching ${this.bucket} ended before everything was shown`);
    }
    view.end();
    void ended.then(() => {
      if (!signal.aborted) onEnd();
    });
    return async () => {
      entries.stop();
      await ended;
    };
  }
}
