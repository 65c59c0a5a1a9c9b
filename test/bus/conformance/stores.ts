/** Buckets of keys and stores of objects. */
import { hasCode } from '@slackline/shared';
import { expect, it } from 'vitest';
import { collector, read, text, type UnderTest } from './under-test.js';

export function storeCases(under: UnderTest): void {
  it('keeps keys with compare-and-set', async () => {
    const keys = await under.bus.keys(under.fresh('bucket'), {
      storage: 'memory',
      replicas: 1,
    });
    expect(await keys.get('a')).toBeUndefined();
    const first = await keys.compareAndSet('a', text('1'), 0);
    await expect(keys.compareAndSet('a', text('2'), 0)).rejects.toSatisfy((error) => hasCode(error, 'conflict'));
    const second = await keys.compareAndSet('a', text('2'), first);
    expect(second).toBeGreaterThan(first);
    await expect(keys.compareAndSet('a', text('3'), first)).rejects.toSatisfy((error) => hasCode(error, 'conflict'));
    expect(read((await keys.get('a'))?.value ?? text(''))).toBe('2');
    await keys.delete('a');
    expect(await keys.get('a')).toBeUndefined();
  });

  it('shows the keys that are there, then every change', async () => {
    const keys = await under.bus.keys(under.fresh('bucket'), {
      storage: 'memory',
      replicas: 1,
    });
    await keys.put('a', text('1'));
    const seen = collector<[string, string | undefined]>();
    const watch = await keys.watch((entry) => seen.push([entry.key, entry.value && read(entry.value)]));
    expect(await seen.count(1)).toEqual([['a', '1']]);
    await keys.put('b.c', text('2'));
    await keys.delete('a');
    expect(await seen.count(3)).toEqual([
      ['a', '1'],
      ['b.c', '2'],
      ['a', undefined],
    ]);
    await watch.drain();
  });

  it('keeps objects larger than a message', async () => {
    const objects = await under.bus.objects(under.fresh('objects'), {
      storage: 'memory',
      replicas: 1,
    });
    const large = new Uint8Array(3 * under.bus.maxPayloadBytes).map((_, i) => i % 251);
    await objects.put('large', large);
    expect(Buffer.compare((await objects.get('large')) ?? new Uint8Array(), large)).toBe(0);
    expect(await objects.get('absent')).toBeUndefined();
    const pieces: Uint8Array[] = [];
    for await (const piece of (await objects.read('large')) ?? []) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.compare(Buffer.concat(pieces), large)).toBe(0);
    expect(await objects.read('absent')).toBeUndefined();
  });

  it('tells whether there is a bucket of keys, and makes none', async () => {
    const name = under.fresh('keys');
    expect(await under.bus.hasKeys(name)).toBe(false);
    expect(await under.bus.hasKeys(name)).toBe(false);
    await under.bus.keys(name, { storage: 'memory', replicas: 1 });
    expect(await under.bus.hasKeys(name)).toBe(true);
  });

  it('tells names and sizes of objects, and forgets those that are deleted', async () => {
    const objects = await under.bus.objects(under.fresh('objects'), {
      storage: 'memory',
      replicas: 1,
      maxAgeMs: 60_000,
    });
    expect(await objects.names()).toEqual([]);
    await objects.put('a', text('1'));
    await objects.put('b', text('22'));
    expect((await objects.names()).sort()).toEqual(['a', 'b']);
    expect(Math.abs(((await objects.storedAtMs()).get('b') ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(await objects.size('b')).toBe(2);
    await objects.delete('b');
    await objects.delete('b');
    await objects.delete('absent');
    expect(await objects.names()).toEqual(['a']);
    expect([await objects.size('b'), await objects.size('absent')]).toEqual([undefined, undefined]);
    expect(await objects.get('b')).toBeUndefined();
    await objects.put('b', text('333'));
    expect(await objects.size('b')).toBe(3);
  });
}
