import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { dump } from 'npyjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readArray, readLabels, rows } from './array-file.js';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slackline-arrays-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function file(name: string, data: Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, data);
  return path;
}

test('reads plain and compressed arrays alike', async () => {
  const npy = new Uint8Array(dump(Float32Array.from([1, 2, 3, 4, 5, 6]), [3, 2]));
  const plain = await readArray(await file('a.npy', npy));
  expect(plain).toEqual({ shape: [3, 2], data: Float32Array.from([1, 2, 3, 4, 5, 6]) });
  expect(await readArray(await file('a.npy.gz', gzipSync(npy)))).toEqual(plain);
});

test('takes rows out, and no more than there are', () => {
  const array = { shape: [3, 2], data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  expect(rows(array, 1, 2)).toEqual({ shape: [1, 2], data: Uint8Array.of(3, 4) });
  expect(rows(array, 2, 9)).toEqual({ shape: [1, 2], data: Uint8Array.of(5, 6) });
});

test.each([
  ['a missing file', () => Promise.resolve(join(directory, 'missing.npy'))],
  ['what is no array', () => file('b.npy', new TextEncoder().encode('no array'))],
  ['a truncated file', () => file('c.npy.gz', gzipSync(new Uint8Array(dump(new Uint8Array(8), [8]))).subarray(0, 30))],
  ['too few elements', async () => file('d.npy', new Uint8Array(dump(new Uint8Array(8), [8])).subarray(0, -1))],
  ['another datatype', () => file('e.npy', new Uint8Array(dump(new Float64Array(2), [2])))],
])('refuses %s', async (_what, path) => {
  await expect(readArray(await path())).rejects.toMatchObject({ code: 'invalid_model' });
});

test('labels are a list of uint8', async () => {
  expect(await readLabels(await file('l.npy', new Uint8Array(dump(Uint8Array.of(3, 1), [2]))))).toEqual(
    Uint8Array.of(3, 1),
  );
  const matrix = await file('m.npy', new Uint8Array(dump(Uint8Array.of(3, 1), [1, 2])));
  await expect(readLabels(matrix)).rejects.toMatchObject({ code: 'invalid_model' });
});
