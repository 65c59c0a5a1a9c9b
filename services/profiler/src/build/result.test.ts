import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readModelFolder } from '../stages/read.js';
import { type BuildResult, readBuildResult, writeBuildResult } from './result.js';

const manifest = {
  ...{ name: 'm', sloMs: 36, onnx: 'net.onnx', spec: 'spec.json', calibration: 'c.npy' },
  heldOut: { images: 'h.npy', labels: 'hl.npy' },
  test: { images: 't.npy', labels: 'tl.npy', range: [0, 10] },
};
const result: BuildResult = {
  ...{ candidates: 5, seed: 7 },
  subnets: ['a', 'b'].map((id, i) => ({
    ...{ id, config: { width: i }, macs: i + 1, heldOutAccuracy: 0.5, accuracy: 0.6 },
    statistics: Uint8Array.from({ length: i + 2 }, (_, at) => 10 * i + at),
  })),
};

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slackline-model-'));
  await writeFile(join(directory, 'model.json'), JSON.stringify(manifest));
  await writeFile(join(directory, 'net.onnx'), 'net');
  await writeFile(join(directory, 'spec.json'), '{}');
  await writeFile(join(directory, 'c.npy'), 'images');
});
afterEach(() => rm(directory, { recursive: true }));

test('reads back what was written', async () => {
  const folder = await readModelFolder(directory);
  await writeBuildResult(folder, result);
  const read = await readBuildResult(folder);
  expect(read.subnets.map(({ statistics }) => [...statistics])).toEqual([
    [0, 1],
    [10, 11, 12],
  ]);
  const plain = ({ subnets }: BuildResult) => subnets.map(({ statistics: _, ...rest }) => rest);
  expect(plain(read)).toEqual(plain(result));
  expect(await readFile(join(directory, 'subnets.json'), 'utf8')).toContain('"config": { "width": 1 }');
});

test.each(['net.onnx', 'spec.json', 'c.npy'])('refuses a result that was made of another %s', async (name) => {
  await writeBuildResult(await readModelFolder(directory), result);
  await appendFile(join(directory, name), ' ');
  await expect(readBuildResult(await readModelFolder(directory))).rejects.toMatchObject({
    code: 'invalid_model',
    message: expect.stringContaining('build it again'),
  });
});

test('refuses statistics of another build', async () => {
  const folder = await readModelFolder(directory);
  await writeBuildResult(folder, result);
  await appendFile(join(directory, 'statistics.bin'), 'x');
  await expect(readBuildResult(folder)).rejects.toMatchObject({ code: 'invalid_model' });
});

test.each([
  ['an unknown field', { ...manifest, extra: 1 }, 'extra'],
  ['an empty range', { ...manifest, test: { ...manifest.test, range: [5, 5] } }, 'test.range'],
  ['a name that is no token', { ...manifest, name: 'a.b' }, 'name'],
  ['a missing file', { ...manifest, onnx: 'gone.onnx' }, 'gone.onnx'],
])('refuses a manifest with %s, and says where', async (_what, wrong, place) => {
  await writeFile(join(directory, 'model.json'), JSON.stringify(wrong));
  await expect(readModelFolder(directory)).rejects.toMatchObject({
    code: 'invalid_model',
    message: expect.stringContaining(place),
  });
});

test('a folder without a build is refused with what to do', async () => {
  const folder = await readModelFolder(directory);
  await expect(readBuildResult(folder)).rejects.toMatchObject({ code: 'invalid_model' });
});
