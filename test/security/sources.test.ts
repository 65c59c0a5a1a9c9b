/** What no source may do: start a shell, start programs outside of the few files that are there for it, run text as code. */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { inCheckout } from '@slackline/local';
import { expect, it } from 'vitest';

/** Files of programs, not tests, that start other programs: each with fixed names and arguments as lists. */
const starters = [
  'packages/chaos',
  'packages/local/src/nats-server/run.ts',
  'packages/local/src/nats-server/test-versions.ts',
  'packages/local/src/processes/owned-process.ts',
  'packages/supernet/src/bench/memory.ts',
  'packages/supernet/src/probe/cuda.ts',
  'packages/supernet/src/probe/probe.ts',
  'services/profiler/src/submissions/task.ts',
];
const rooms = ['packages', 'services', 'experiments', 'test', '.ci', 'models'];
const isTest = (path: string) => /\.test\.ts$|^test\/|\/testing\/|\/fixtures\//.test(path);

async function sources(): Promise<{ path: string; text: string }[]> {
  const root = inCheckout('.');
  const lists = rooms.map((room) => readdir(join(root, room), { recursive: true, withFileTypes: true }));
  return (await Promise.all(lists))
    .flat()
    .filter((entry) => entry.isFile() && /\.(ts|mts|js|mjs|cjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/[\\/](dist|node_modules|build)[\\/]/.test(path))
    .map((path) => ({ path: relative(root, path).split(sep).join('/'), text: readFileSync(path, 'utf8') }))
    .filter(({ path }) => path !== 'test/security/sources.test.ts');
}

const all = await sources();
const thatHave = (pattern: RegExp) => all.filter(({ text }) => pattern.test(text)).map(({ path }) => path);

it('only a few files start programs', () => {
  expect(all.length).toBeGreaterThan(300);
  const found = thatHave(/['"](node:)?(child_process|cluster)['"]/).filter((path) => !isTest(path));
  expect(found.filter((path) => !starters.some((starter) => path.startsWith(starter)))).toEqual([]);
  // The pattern finds what there is to be found.
  expect(found).toContain('packages/local/src/nats-server/run.ts');
});

it('none starts a shell', () => {
  const shells =
    /\bshell\s*:|\bexecSync\s*\(|\{[^}]*\b(exec|execSync)\b[^}]*\}\s*from\s*'node:child_process'|promisify\(exec\)/;
  expect(thatHave(shells)).toEqual([]);
  expect(shells.test("import { exec } from 'node:child_process'")).toBe(true);
  expect(shells.test('spawn(command, { shell: true })')).toBe(true);
  expect(shells.test("import { execFile } from 'node:child_process'")).toBe(false);
});

it('none runs text as code', () => {
  const evaluates = /\beval\s*\(|new Function\s*\(|['"](node:)?vm['"]/;
  // The soak's look into the heap of processes that it started itself.
  expect(thatHave(evaluates).filter((path) => path !== 'packages/chaos/src/soak/heap/preload.ts')).toEqual([]);
  expect(evaluates.test('eval(text)')).toBe(true);
});

it('none keeps a secret', () => {
  const secrets = /\bS[UA][A-Z2-7]{56}\b|-----BEGIN (EC |RSA |ENCRYPTED )?PRIVATE KEY-----\n[A-Za-z0-9+/]/;
  expect(thatHave(secrets)).toEqual([]);
  expect(secrets.test(`SU${'A'.repeat(56)}`)).toBe(true);
});
