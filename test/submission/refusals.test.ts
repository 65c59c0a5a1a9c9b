/** Bad submissions: each refused with its code and the offending name, and nothing of it is left anywhere. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readFiles } from '@slackline/cli';
import { pack, requestReply, submitReply } from '@slackline/shared';
import { writeModel } from '@slackline/supernet';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { classes, filesOf, inputs, network, npy, type Parts, parts, rows, spec } from './supernet.js';
import { System } from './system.js';

const nats = withNatsServer();
let system: System;
let before: Awaited<ReturnType<System['listing']>>;

beforeAll(async () => {
  system = await System.create(nats.url);
  await system.profiler();
  await system.worker();
  const { digest } = await system.submit('served', parts('served'));
  await system.recordThat('served', (record) => record === undefined);
  expect((await system.model('served'))?.submission).toBe(digest);
  before = await system.listing();
});
afterAll(() => system?.end());

/** Whatever was refused: buckets and stores hold what they held, and the worker what it had loaded. */
afterEach(async () => {
  expect(await system.listing()).toEqual(before);
  const { models, versions } = await system.statusThat(() => true);
  expect(Object.keys(models)).toEqual(['served']);
  expect(versions).toHaveLength(1);
});

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const good = parts();
const count = 60;

const width = (group: object) => json({ ...spec, channels: { width: { ...spec.channels.width, ...group } } });
const labels = (values: ArrayLike<number>) => npy(Int32Array.from(values), [values.length]);

const bad: [what: string, change: Partial<Parts>, code: string, named: string][] = [
  ['a corrupt network', { onnx: good.onnx.slice(0, 100) }, 'corrupt_model', ''],
  ['a network that is none', { onnx: new TextEncoder().encode('PK\x03\x04 not a protobuf') }, 'corrupt_model', ''],
  ['an empty network', { onnx: new Uint8Array(0) }, 'corrupt_model', ''],
  ['an operator outside the list', { onnx: writeModel(network('a', 'Hardmax')) }, 'unknown_op', 'Hardmax'],
  [
    'an endless name',
    { onnx: writeModel(network('a', 'Relu', 'x'.repeat(300))) },
    'unsupported_model',
    '300 characters',
  ],
  ['a spec that is no JSON', { spec: new TextEncoder().encode('{"channels": ') }, 'invalid_spec', 'JSON'],
  ['a spec that is no UTF-8', { spec: Uint8Array.of(0x22, 0xff, 0x22) }, 'invalid_spec', 'JSON'],
  ['a spec of another form', { spec: json({ width: [1, 2] }) }, 'invalid_spec', 'width'],
  ['a spec naming absent layers', { spec: width({ layers: ['nowhere.weight'] }) }, 'invalid_spec', 'nowhere.weight'],
  [
    'a spec that leaves one subnet only',
    { spec: width({ sizes: spec.channels.width.sizes.slice(-1) }) },
    'invalid_spec',
    'one subnet',
  ],
  ['sizes larger than the weight', { spec: width({ sizes: [4, 32] }) }, 'invalid_spec', '32'],
  ['calibration of another shape', { calibration: npy(rows('c', 12), [8, 6]) }, 'wrong_calibration', '[8, 6]'],
  ['calibration of another type', { calibration: npy(new Uint8Array(8), [2, inputs]) }, 'wrong_calibration', 'uint8'],
  ['calibration of no rows', { calibration: npy(new Float32Array(0), [0, inputs]) }, 'wrong_calibration', '0 rows'],
  ['images of another shape', { images: npy(rows('i', count), [count, inputs, 1]) }, 'wrong_validation', `[${count}, `],
  ['labels out of range', { labels: labels(Array(count).fill(classes)) }, 'wrong_validation', `${classes}`],
  ['labels below zero', { labels: labels(Array(count).fill(-1)) }, 'wrong_validation', '-1'],
  ['too few labels', { labels: labels(Array(count - 1).fill(0)) }, 'wrong_validation', `${count - 1} labels`],
  ['labels with fractions', { labels: npy(new Float32Array(count), [count]) }, 'invalid_array', 'labels'],
  ['a cut array', { images: good.images.slice(0, 200) }, 'invalid_array', 'images'],
  ['an array that is none', { labels: json([1, 2, 3]) }, 'invalid_array', 'labels'],
  ['a damaged archive', { images: gzipSync(good.images).subarray(0, 50) }, 'invalid_array', 'images'],
];

it.each(bad)('%s is refused', async (_what, change, code, named) => {
  const refused = system.submit('net', { ...good, ...change });
  await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(named) });
});

it.each(['', 'a b', 'a.b', 'a>', '*', 'ä', 'x'.repeat(65)])('the name %j is refused', async (name) => {
  await expect(system.submit(name)).rejects.toMatchObject({ code: 'invalid_name' });
});

it('a name that another model has is refused', async () => {
  await expect(system.submit('served')).rejects.toMatchObject({
    code: 'model_exists',
    message: expect.stringContaining('served'),
  });
});

it('what is refused has been uploaded and is removed again, but for what a pending submission needs', async () => {
  const { digest } = await system.submit('pending', parts('p'));
  const uploads = (await system.listing()).uploads;
  // The same images and spec, and labels that do not fit.
  const refused = system.submit('net', { ...parts('p'), labels: labels([0, 1]) });
  await expect(refused).rejects.toMatchObject({ code: 'wrong_validation' });
  const left = (await system.listing()).uploads;
  expect(uploads).toEqual(expect.arrayContaining(left));
  await system.recordThat('pending', (record) => record === undefined);
  expect((await system.model('pending'))?.submission).toBe(digest);
  const remove = await system.bus.request(
    system.subjects.profiler('remove'),
    pack({ v: 1, name: 'pending' } as { v: 1 }),
    {
      timeoutMs: 10_000,
    },
  );
  expect(remove.headers.get('Error-Code')).toBeUndefined();
  await system.statusThat(({ versions }) => versions.length === 1);
});

it('a network of 2 GiB is refused before it is read, and by the profiler before it is fetched', async () => {
  const path = join(system.folder, 'large.onnx');
  const file = await open(path, 'w');
  await file.truncate(2 ** 31);
  await file.close();
  const paths = { onnx: path, spec: path, images: path, labels: path };
  await expect(readFiles(paths)).rejects.toMatchObject({
    code: 'model_too_large',
    message: expect.stringContaining(path),
  });

  const described = ({ digest, bytes }: { digest: string; bytes: number }) => ({ digest, bytes });
  const files = Object.fromEntries(Object.entries(filesOf(good)).map(([part, local]) => [part, described(local)]));
  const onnx = { digest: 'f'.repeat(64), bytes: 2 ** 31 };
  const request = { v: 1 as const, name: 'net', sloMs: 10, files: { ...files, onnx }, options: {}, replace: false };
  const reply = { kind: 'submit reply', schema: submitReply, timeoutMs: 10_000 };
  const asked = requestReply(system.bus, system.subjects.profiler('submit'), request, reply);
  await expect(asked).rejects.toMatchObject({ code: 'model_too_large', message: expect.stringContaining('network') });
});

it('a file that is not what its name says is refused', async () => {
  const files = filesOf(good);
  const lie = { ...files.spec, data: new Uint8Array(files.spec.bytes) };
  await system.uploads.put(files.spec.digest, lie.data);
  await expect(system.submit('net', good)).rejects.toMatchObject({ code: 'submission_incomplete' });
  for (const { digest } of Object.values(files)) await system.uploads.delete(digest);
});
