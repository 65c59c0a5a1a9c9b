import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultPolicy } from '@slackline/scheduling';
import { afterEach, beforeEach, expect, test } from 'vitest';

// The command is what was compiled, as for whoever runs it.
const entry = fileURLToPath(new URL('../dist/main.js', import.meta.url));

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'experiments-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

function run(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [entry, ...args], (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code);
      resolve({ code, stdout, stderr });
    });
  });
}

test('prints one document as the last line, and writes the reports where it is told to', async () => {
  const { code, stdout, stderr } = await run(
    'policies',
    'maf',
    '--quick',
    '--no-live',
    '--json',
    '--out',
    folder,
    '--data',
    folder,
  );
  expect(code, stderr).toBe(0);
  const document = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  expect(Object.keys(document)).toEqual(['defaultPolicy', 'policies', 'maf']);
  expect(document).toMatchObject({
    defaultPolicy,
    policies: { rate: 7_000 },
    maf: { skipped: expect.stringContaining('maf/') },
  });
  expect(stderr).toContain('maf: skipped: maf/');
  expect(readdirSync(folder).sort()).toEqual(['maf.md', 'policies.md', 'policies.svg']);
});

test('says what figures there are', async () => {
  const { code, stdout } = await run('--list');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^bursty +\S/m);
});

test.each([['nothing'], ['--nonsense'], ['--seed=-1']])('ends with 2 for a wrong call: %s', async (arg) => {
  const { code, stdout, stderr } = await run(arg);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(arg.split('=')[0]?.startsWith('--seed') ? '--seed' : arg);
});
