import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { dump } from 'npyjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseArray, readArray, readLabels, rows } from './array-file.js';
import { hasCode } from './errors.js';

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

test('refuses a missing file', async () => {
  await expect(readArray(join(directory, 'missing.npy'))).rejects.toMatchObject({ code: 'invalid_model' });
});

const floats = new Uint8Array(dump(Float32Array.from([1, 2, 3, 4]), [2, 2]));
/** The file with other words in its header, as long as those that they replace. */
const withHeader = (from: string, to: string) => {
  const text = Buffer.from(floats).toString('latin1');
  expect(text).toContain(from);
  return new Uint8Array(Buffer.from(text.replace(from, to.padEnd(from.length)), 'latin1'));
};

test.each([
  ['what is no array', new TextEncoder().encode('no array'), 'no .npy file'],
  ['nothing', new Uint8Array(0), 'no .npy file'],
  ['a truncated archive', gzipSync(floats).subarray(0, 30), 'unzipped'],
  ['too few elements', floats.subarray(0, -1), 'elements'],
  ['too many elements', Buffer.concat([floats, floats]), 'elements'],
  ['a header that ends nowhere', floats.subarray(0, 40), 'header'],
  ['another datatype', withHeader("'<f4'", "'<U0'"), '<U0'],
  ['another byte order', withHeader("'<f4'", "'>f4'"), '>f4'],
  ['columns first', withHeader('False', 'True'), 'Fortran'],
  ['a shape of no dimensions', withHeader('(2,2)', '()'), '()'],
  ['a shape that is none', withHeader('(2,2)', '(-4)'), '()'],
])('refuses %s', async (_what, bytes, named) => {
  await expect(parseArray(bytes, 'x.npy')).rejects.toMatchObject({
    code: 'invalid_array',
    message: expect.stringMatching(/^x\.npy /),
  });
  await expect(parseArray(bytes, 'x.npy')).rejects.toThrow(named);
});

test('unzips no more than the header states, nor what the file cannot hold', async () => {
  const endless = gzipSync(Buffer.concat([floats, new Uint8Array(2 ** 26)]));
  await expect(parseArray(endless, 'x')).rejects.toThrow(/has \d+(\.\d+)? or more elements .* instead of 2x2/);
  const stated = withHeader('(2,2)}  ', '(99999,)');
  await expect(parseArray(gzipSync(stated), 'x')).rejects.toThrow('too short');
  const longHeader = Buffer.concat([Buffer.from('\x93NUMPY\x02\x00', 'latin1'), new Uint8Array(4).fill(0x7f)]);
  await expect(parseArray(gzipSync(longHeader), 'x')).rejects.toThrow('header');
});

test('does not copy a plain file whose elements are aligned', async () => {
  expect((await parseArray(floats, 'x')).data.buffer).toBe(floats.buffer);
  const shifted = new Uint8Array(floats.length + 1);
  shifted.set(floats, 1);
  expect((await parseArray(shifted.subarray(1), 'x')).data).toEqual(Float32Array.from([1, 2, 3, 4]));
});

test('whatever the bytes are, it reads an array or refuses them', async () => {
  const file = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    // A good file with a few bytes changed, or cut.
    fc
      .tuple(fc.array(fc.tuple(fc.nat(floats.length - 1), fc.nat(255)), { maxLength: 4 }), fc.nat(floats.length))
      .map(([changes, length]) => {
        const bytes = floats.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        return bytes;
      }),
  );
  await fc.assert(
    fc.asyncProperty(file, async (bytes) => {
      const array = await parseArray(bytes, 'x').catch((error: unknown) => {
        if (!hasCode(error, 'invalid_array')) throw error;
      });
      if (array !== undefined) expect(array.data).toHaveLength(array.shape.reduce((a, b) => a * b, 1));
    }),
    { numRuns: 2_000 },
  );
});

test('labels are a list of whole numbers of any type', async () => {
  const labels = async (data: Parameters<typeof dump>[0], shape: number[]) =>
    readLabels(await file('l.npy', new Uint8Array(dump(data, shape))));
  expect(await labels(Uint8Array.of(3, 1), [2])).toEqual(Uint8Array.of(3, 1));
  expect(await labels(BigInt64Array.of(3n, -1n, 999n), [3])).toEqual(Int32Array.of(3, -1, 999));
  expect(await labels(Uint16Array.of(65_535), [1])).toEqual(Int32Array.of(65_535));
  await expect(labels(Uint8Array.of(3, 1), [1, 2])).rejects.toMatchObject({ code: 'invalid_array' });
  await expect(labels(Float32Array.of(3, 1), [2])).rejects.toMatchObject({ code: 'invalid_array' });
  await expect(labels(BigInt64Array.of(2n ** 40n), [1])).rejects.toThrow('1099511627776');
});
