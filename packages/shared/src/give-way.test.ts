import { execFileSync } from 'node:child_process';
import { getPriority } from 'node:os';
import { expect, it } from 'vitest';

/** The niceness of a process that begins with this one's, or with `own`, and gives way. */
function nicenessAfter(own = getPriority()): number {
  const module = new URL('../dist/give-way.js', import.meta.url);
  const script = `
    import { getPriority, setPriority } from 'node:os';
    import { giveWay } from '${module}';
    if (${own} > getPriority()) setPriority(${own});
    giveWay();
    console.log(getPriority());`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' }));
}

it.skipIf(process.platform === 'win32')('gives way, and keeps what is less urgent already', () => {
  expect(nicenessAfter()).toBe(Math.max(5, getPriority()));
  expect(nicenessAfter(19)).toBe(19);
});
