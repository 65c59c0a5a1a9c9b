import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageFile } from './package-file.js';

let root = '';
const folder = () => join(root, 'model');

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'slackline-package-')));
  mkdirSync(join(folder(), 'deep'), { recursive: true });
  mkdirSync(join(root, 'model-too'));
  for (const name of ['secret', 'model/net.onnx', 'model/deep/spec.json', 'model-too/labels.npy']) {
    writeFileSync(join(root, name), 'x');
  }
  symlinkSync('../secret', join(folder(), 'link'));
  symlinkSync(root, join(folder(), 'up'));
  symlinkSync('net.onnx', join(folder(), 'alias'));
});
afterAll(() => rmSync(root, { recursive: true }));

it.each(['net.onnx', './net.onnx', 'deep/spec.json', 'deep/../net.onnx', 'alias'])('gives %s', async (name) => {
  expect(await packageFile(folder(), name)).toMatch(/\/model\/(net\.onnx|deep\/spec\.json)$/);
});

const outside = [
  '../secret',
  '/etc/passwd',
  'link',
  'up/secret',
  'deep/../../secret',
  '..',
  '../model-too/labels.npy',
  'a\0b',
];
it.each(outside)('refuses %j', async (name) => {
  await expect(packageFile(folder(), name)).rejects.toMatchObject({ code: 'invalid_model' });
});

it('says which file is not there', async () => {
  await expect(packageFile(folder(), 'none')).rejects.toThrow(`${join(folder(), 'none')} cannot be read`);
});

it('may be told of a wider package', async () => {
  expect(await packageFile(folder(), '../model-too/labels.npy', root)).toBe(join(root, 'model-too/labels.npy'));
  await expect(packageFile(folder(), '../../etc/passwd', root)).rejects.toMatchObject({ code: 'invalid_model' });
});
