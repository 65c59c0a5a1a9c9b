/** Buckets of large objects, on the client's object store. */
import { hasCode } from '../../errors.js';
import type { BucketConfig, ObjectBucket } from '../bus.js';
import { Bucket, replicate } from './bucket.js';
import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  nanos,
  type ObjectResult,
  type ObjectStore,
} from './client.js';
import { isApiError, translate, translated } from './errors.js';
import { storageOf } from './streams.js';

const streamOf = (bucket: string) => `OBJ_${bucket}`;

/** Opens the bucket, and creates it where it is not there. */
export async function openObjects(
  { js, manager }: { js: JetStreamClient; manager: JetStreamManager },
  bucket: string,
  config: BucketConfig,
): Promise<ObjectBucket> {
  const open = async () => {
    await make(manager, bucket, config);
    return js.views.os(bucket);
  };
  const store = await translated(`Opening the object store ${bucket}`, open());
  const purge = (filter: string) => manager.streams.purge(streamOf(bucket), { filter });
  return new NatsObjects(new Bucket(store, open), bucket, purge);
}

/** What the client would send has a field that servers since 2.12 refuse. */
async function make(manager: JetStreamManager, bucket: string, config: BucketConfig): Promise<void> {
  const name = streamOf(bucket);
  try {
    await replicate(manager, name, config.replicas);
  } catch (error) {
    if (!isApiError(error, 'noStream')) throw error;
    await manager.streams.add({
      name,
      subjects: [`$O.${bucket}.C.>`, `$O.${bucket}.M.>`],
      storage: storageOf(config),
      num_replicas: config.replicas,
      max_age: nanos(config.maxAgeMs ?? 0),
      discard: DiscardPolicy.New,
      allow_rollup_hdrs: true,
      allow_direct: true,
    });
  }
}

class NatsObjects implements ObjectBucket {
  constructor(
    private readonly store: Bucket<ObjectStore>,
    private readonly bucket: string,
    /** Removes the messages of a subject. */
    private readonly purge: (subject: string) => Promise<unknown>,
  ) {}

  async put(name: string, data: Uint8Array): Promise<void> {
    await this.store.use(`Storing ${this.bucket}/${name}`, (store) => store.putBlob({ name }, data));
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    return (await this.store.use(`Fetching ${this.bucket}/${name}`, (store) => store.getBlob(name))) ?? undefined;
  }

  async read(name: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const what = `Fetching ${this.bucket}/${name}`;
    const object = await this.store.use(what, (store) => store.get(name));
    return object === null ? undefined : pieces(object, what);
  }

  async size(name: string): Promise<number | undefined> {
    const info = await this.store.use(`Reading ${this.bucket}/${name}`, (store) => store.info(name));
    return info === null || info.deleted ? undefined : info.size;
  }

  async names(): Promise<string[]> {
    return [...(await this.storedAtMs()).keys()];
  }

  async storedAtMs(): Promise<Map<string, number>> {
    const objects = await this.store.use(`Listing ${this.bucket}`, (store) => store.list());
    return new Map(objects.filter(({ deleted }) => !deleted).map(({ name, mtime }) => [name, Date.parse(mtime)]));
  }

  async delete(name: string): Promise<void> {
    const what = `Deleting ${this.bucket}/${name}`;
    const info = await this.store.use(what, (store) => store.info(name));
    if (info === null || info.deleted) return;
    try {
      await this.store.use(what, (store) => store.delete(name));
    } catch (error) {
      if (!hasCode(error, 'stream_full')) throw error;
      // That it is deleted is a message too, for which there is room once its pieces are gone.
      await translated(what, this.purge(`$O.${this.bucket}.C.${info.nuid}`));
      await this.store.use(what, (store) => store.delete(name));
    }
  }
}

/** What the client reads of an object; the digest is compared at its end. */
async function* pieces({ data, error }: ObjectResult, what: string): AsyncGenerator<Uint8Array, void, void> {
  const reader = data.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } catch (cause) {
    throw translate(cause, what);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  const failed = await error;
  if (failed instanceof Error) throw translate(failed, what);
}
