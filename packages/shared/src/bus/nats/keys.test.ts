import { expect, test } from 'vitest';
import type { KeyChange } from '../bus.js';
import type { KV } from './client.js';
import { Kept } from './kept.js';
import { NatsKeys } from './keys.js';

/** A bucket that is listed when the test says so. */
function bucketOf(keys: readonly string[]) {
  const statuses: (() => void)[] = [];
  const kv = {
    status: () =>
      new Promise((resolve) => statuses.push(() => resolve({ streamInfo: { created: '2026-01-01T00:00:00Z' } }))),
    watch: async ({ initializedFn }: { initializedFn: () => void }) => {
      let end: () => void = () => {};
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      async function* entries() {
        for (const [at, key] of keys.entries()) {
          yield { key, revision: at + 1, operation: 'PUT', value: new Uint8Array([at]) };
        }
        initializedFn();
        await ended;
      }
      return Object.assign(entries(), { stop: end });
    },
  } as unknown as KV;
  return { kv, statuses };
}

test('a listing that a reconnect has overtaken takes no part in what is shown', async () => {
  const { kv, statuses } = bucketOf(['a', 'b']);
  let kept: Kept | undefined;
  const bucket = {
    use: <R>(_: string, call: (view: KV) => Promise<R>) => call(kv),
    read: <R>(_: string, call: (view: KV) => Promise<R>) => call(kv),
    reopen: async () => kv,
  };
  const keys = new NatsKeys(bucket, 'bucket', (open) => {
    kept = new Kept(open);
    return kept;
  });
  const shown: KeyChange[] = [];
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const watching = keys.watch((change) => shown.push(change));
  await settle();
  statuses[0]?.();
  const watch = await watching;

  // Two reconnects in a row: the request of the first listing is answered while the second one shows its keys.
  kept?.again();
  await settle();
  kept?.again();
  await settle();
  statuses[2]?.();
  statuses[1]?.();
  await settle();

  expect(shown.map(({ key, value }) => [key, value !== undefined])).toEqual([
    ['a', true],
    ['b', true],
  ]);
  await watch.drain();
});
