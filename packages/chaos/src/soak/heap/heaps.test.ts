import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TemporaryFolder } from '@slackline/local';
import { afterAll, expect, it } from 'vitest';
import { Heaps } from './heaps.js';

const folder = new TemporaryFolder('heaps-test');
afterAll(() => folder.remove());

/** Holds as many numbers as it is told, and makes garbage of as many. */
const program = `
  const held = [];
  process.on('message', (count) => {
    for (let i = 0; i < count; i++) held.push({ i });
    let garbage = [];
    for (let i = 0; i < count; i++) garbage.push({ i });
    garbage = undefined;
    process.send('done');
  });
  process.send('ready');
`;

it('weighs what a process holds without its garbage, and knows nothing of one that has ended', async () => {
  const entry = join(folder.path, 'holder.mjs');
  writeFileSync(entry, program);
  const heaps = new Heaps();
  const child = fork(entry, [], { env: { ...process.env, ...heaps.env }, stdio: 'ignore' });
  try {
    await once(child, 'message');
    const pid = child.pid ?? 0;
    const sample = () => heaps.sample([{ name: 'holder', pid }], () => child.kill('SIGUSR2'));
    const weigh = async () => (await sample()).get(pid) ?? Number.NaN;
    const before = await weigh();
    const count = 500_000;
    child.send(count);
    await once(child, 'message');
    const perObject = ((await weigh()) - before) / count;
    // An object with one field and its place in the array; with the garbage it would be twice as much.
    expect(perObject).toBeGreaterThan(15);
    expect(perObject).toBeLessThan(60);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    expect((await sample()).size).toBe(0);
  } finally {
    child.kill('SIGKILL');
    heaps.close();
  }
});
