/** What the resident profiler publishes, on a real nats-server. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { latencyProfile, modelEntry } from '@slackline/shared';
import { unpackServable } from '@slackline/supernet';
import { expect, test } from 'vitest';
import { bus, directory, keys, profileOf, publishedModel, read, start, subjects } from './testing/resident-profiler.js';

test('publishes a servable that the entry describes, and writes nothing again on the next start', async () => {
  const first = await start();
  const entry = await publishedModel();
  expect(entry).toMatchObject({
    name: 'fashion',
    sloMs: 36,
    inputs: [{ name: 'image', datatype: 'UINT8', shape: [-1, 1, 28, 28] }],
    outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, 10] }],
  });
  const objects = await bus.objects(subjects.stores.models, { storage: 'memory', replicas: 1 });
  const servable = unpackServable((await objects.get(entry.digest)) ?? new Uint8Array(), entry.digest);
  expect(servable.subnets.map(({ id, accuracy }) => ({ id, accuracy }))).toEqual(entry.subnets);
  expect(servable.subnets.map(({ statistics }) => [...statistics])).toEqual([[0], [1], [2]]);

  const before = await (await keys()).get('model.fashion');
  await first.stop();
  await start();
  expect((await (await keys()).get('model.fashion'))?.revision).toBe(before?.revision);
});

test('serves a family of separate models on two emulated classes as one model, loading times included', async () => {
  const files = ['emulated-v100', 'emulated-quarter-v100'].map((name) =>
    fileURLToPath(new URL(`../profiles/resnets.${name}.json`, import.meta.url)),
  );
  await start({ MODELS_DIRS: '', EMULATED_PROFILES: files.join() });
  const { digest, subnets } = modelEntry.parse(await read('model.resnets'));
  const [fast, slow] = await Promise.all(
    ['emulated-v100', 'emulated-quarter-v100'].map(async (name) =>
      latencyProfile.parse(await read(`latency.resnets.${name}`)),
    ),
  );
  expect([fast?.digest, slow?.digest]).toEqual([digest, digest]);
  expect(subnets).toHaveLength(6);
  expect(fast?.subnets.map(({ loadMs }) => loadMs)).toEqual([3.81, 7.11, 8, 8, 14, 19.55]);
  expect(slow?.subnets[0]).toMatchObject({ id: 'resnet18-v2', loadMs: 4 * 3.81 });
});

test('publishes tables of emulated classes, for its models and for models that exist as tables only', async () => {
  const path = join(directory, 'table.json');
  const row = { id: 'small', accuracy: 0.81, p50Ms: [1, 2], p99Ms: [1, 2] };
  const table = {
    ...{ v: 1, source: 'invented', model: 'fashion', deviceClass: 'emulated-x', executor: 'emulated' },
    ...{ concurrency: 1, measuredAt: 'never', batches: [1, 2], subnets: [row] },
  };
  await writeFile(path, JSON.stringify(table));
  const imagenet = fileURLToPath(new URL('../profiles/imagenet.emulated-v100.json', import.meta.url));
  await start({ EMULATED_PROFILES: `${path},${imagenet}` });
  expect(await profileOf('emulated-x')).toMatchObject({ digest: (await publishedModel()).digest, subnets: [row] });

  const profile = latencyProfile.parse(await read('latency.imagenet.emulated-v100'));
  const entry = modelEntry.parse(await read('model.imagenet'));
  expect(entry.digest).toBe(profile.digest);
  expect(entry.subnets).toEqual(profile.subnets.map(({ id, accuracy }) => ({ id, accuracy })));

  await writeFile(path, JSON.stringify({ ...table, subnets: [{ ...row, id: 'unheard-of' }] }));
  await expect(start({ EMULATED_PROFILES: path })).rejects.toMatchObject({ code: 'invalid_model' });
});

test('serves with no models at all', async () => {
  await start({ MODELS_DIRS: '' });
  expect(await (await keys()).get('model.fashion')).toBeUndefined();
});
