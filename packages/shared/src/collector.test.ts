import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** Prints how nice each of its threads is: the one that serves, those of Node, and one that it starts afterwards. */
const program = `
  import { readdirSync, readFileSync } from 'node:fs';
  import { Worker } from 'node:worker_threads';
  const tids = () => readdirSync('/proc/self/task').map(Number);
  const nicenessOf = (tid) => Number(readFileSync('/proc/self/task/' + tid + '/stat', 'utf8').split(') ')[1].split(' ')[16]);
  const { tameCollector } = await import(process.env.COLLECTOR);
  tameCollector();
  const before = tids();
  const worker = new Worker(new URL('data:text/javascript,setInterval(() => {}, 1000)'));
  worker.once('online', () => {
    const own = before.filter((tid) => tid !== process.pid).map(nicenessOf);
    const later = tids().filter((tid) => !before.includes(tid)).map(nicenessOf);
    console.log(JSON.stringify({ serving: nicenessOf(process.pid), own, later }));
    worker.terminate();
  });
`;

test.skipIf(process.platform !== 'linux')('threads that collect give way to those that serve', () => {
  const collector = new URL('../dist/collector.js', import.meta.url).href;
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, COLLECTOR: collector },
  });
  const { serving, own, later } = JSON.parse(String(printed)) as Record<'own' | 'later', number[]> & {
    serving: number;
  };
  expect(serving).toBe(0);
  expect(own.length).toBeGreaterThan(1);
  expect(new Set(own)).toEqual(new Set([10]));
  // What is started afterwards serves as well.
  expect(new Set(later)).toEqual(new Set([0]));
});
