import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TemporaryFolder } from './temporary-folder.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'temporary-'));
  vi.stubEnv('TMPDIR', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** A folder as a process left it. */
function left(name: string, owner: unknown): string {
  const path = join(folder, name);
  mkdirSync(path);
  if (owner !== undefined) writeFileSync(join(path, '.owner.json'), JSON.stringify(owner));
  return path;
}

describe('a temporary folder', () => {
  it('is there until it is removed', () => {
    const mine = new TemporaryFolder('mine');
    writeFileSync(join(mine.path, 'file'), 'content');
    expect(existsSync(mine.path)).toBe(true);
    mine.remove();
    mine.remove();
    expect(existsSync(mine.path)).toBe(false);
  });

  it('removes what processes left behind that no longer live, and nothing else', () => {
    const mine = new TemporaryFolder('mine');
    const owner = JSON.parse(readFileSync(join(mine.path, '.owner.json'), 'utf8'));
    const dead = left('slackline-dead', { ...owner, pid: 2 ** 22 + 1 });
    const another = left('slackline-another', { ...owner, started: '1' });
    const elsewhere = left('slackline-elsewhere', { ...owner, pid: 2 ** 22 + 1, scope: 'another container' });
    const unmarked = left('slackline-unmarked', undefined);
    const foreign = left('foreign', { ...owner, pid: 2 ** 22 + 1 });

    new TemporaryFolder('next').remove();
    expect([dead, another].filter(existsSync)).toEqual([]);
    expect([mine.path, elsewhere, unmarked, foreign].filter((path) => !existsSync(path))).toEqual([]);
    mine.remove();
  });
});
