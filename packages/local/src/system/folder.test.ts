import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writableFolder } from './folder.js';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'folder-'));
});
afterAll(() => rmSync(root, { recursive: true }));

it('creates a folder with its parents, and leaves nothing in it', async () => {
  const path = join(root, 'a', 'b', 'c');
  await writableFolder(path);
  await writableFolder(path);
  expect(readdirSync(path)).toEqual([]);
});

it('refuses a file, and what would lie under one', async () => {
  const file = join(root, 'file');
  writeFileSync(file, '');
  await expect(writableFolder(file)).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(writableFolder(join(file, 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

// Where even root cannot create anything, and a recursive mkdir of Node 20 never returns.
it.runIf(existsSync('/proc/self'))('refuses a file system that takes no files', async () => {
  await expect(writableFolder('/proc/nope')).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(writableFolder('/proc')).rejects.toThrow();
});
