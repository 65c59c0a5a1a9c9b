import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readModelFolder } from './read.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slackline-folder-'));
  symlinkSync('/etc/passwd', join(folder, 'link'));
  writeFileSync(join(folder, 'net.onnx'), 'network');
  writeFileSync(join(folder, 'spec.json'), '{}');
});
afterAll(() => rmSync(folder, { recursive: true }));

function manifest(change: object): void {
  const labelled = { images: 'i.npy', labels: 'l.npy' };
  const files = { onnx: 'net.onnx', spec: 'spec.json', heldOut: labelled, test: { ...labelled, range: [0, 1] } };
  writeFileSync(join(folder, 'model.json'), JSON.stringify({ name: 'm', sloMs: 1, ...files, ...change }));
}

it('reads the files that the manifest names', async () => {
  manifest({});
  expect(await readModelFolder(folder)).toMatchObject({ manifest: { name: 'm' }, spec: {} });
});

it.each(['onnx', 'spec', 'calibration'])('reads no %s from elsewhere', async (part) => {
  for (const place of ['/etc/passwd', '../../../../../../etc/passwd', 'link']) {
    manifest({ [part]: place });
    const refusal = { code: 'invalid_model', message: expect.stringContaining('no file of it') };
    await expect(readModelFolder(folder)).rejects.toMatchObject(refusal);
  }
});
