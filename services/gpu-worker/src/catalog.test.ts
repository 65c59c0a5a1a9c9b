import { type Bus, type KeyBucket, type KeyChange, type Log, type ModelEntry, Subjects } from '@slackline/shared';
import { expect, it } from 'vitest';
import { Catalog } from './catalog.js';

const tensor = { name: 'x', datatype: 'FP32' as const, shape: [-1, 1] };
const entryOf = (digest: string): ModelEntry => ({
  ...{ v: 1, name: 'net', digest: digest.repeat(64), inputs: [tensor], outputs: [tensor], sloMs: 10 },
  subnets: [{ id: 's', accuracy: 1 }],
});
const change = (key: string, revision: number, entry?: ModelEntry): KeyChange => {
  return { key, revision, value: entry && Buffer.from(JSON.stringify(entry)) };
};

it('never sees a version go before it takes its predecessor’s place, however far one watch runs ahead of another', async () => {
  const watchers: ((change: KeyChange) => void)[] = [];
  const keys: Partial<KeyBucket> = {
    watch: async (onEntry) => {
      watchers.push(onEntry);
      return { drain: async () => {} };
    },
  };
  const bus = { keys: async () => keys, objects: async () => ({}) } as unknown as Bus;
  const config = { STORAGE: 'memory', REPLICAS: 1 } as const;
  const { stores } = new Subjects('');
  const catalog = await Catalog.open(bus, stores, { config, deviceClass: 'test', log: {} as Log });
  const [old, next] = [entryOf('a'), entryOf('b')];
  const tell = (changes: KeyChange[]) => {
    for (const watcher of [...watchers].reverse()) for (const each of changes) watcher(each);
  };
  tell([change('model.net', 1, old), change('candidate.net', 2, next)]);
  const wanted: boolean[] = [];
  catalog.onChange(() => {
    const entries = [...catalog.models.values(), ...catalog.candidates.values()];
    wanted.push(entries.some(({ digest }) => digest === next.digest));
  });

  tell([change('model.net', 3, next), change('candidate.net', 4)]);
  expect(wanted).toEqual([true, true]);
  expect(catalog.candidates.size).toBe(0);
  await catalog.close();
});
