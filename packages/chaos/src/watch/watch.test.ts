import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { canSampleProcesses } from './process.js';
import { Watch, type Watched } from './watch.js';

const children: ChildProcess[] = [];
afterEach(async () => {
  await Promise.all(children.splice(0).map(end));
});

it.runIf(canSampleProcesses)('tells two lives of one name apart, and keeps what it saw of the first', async () => {
  const first = start();
  let living: Watched[] = [{ name: 'ingest-0', pid: first.pid ?? 0 }];
  const looks: number[] = [];
  const watch = new Watch({ everyMs: 3_600_000, processes: () => living, onLook: (atMs) => looks.push(atMs) });
  try {
    await watch.look();
    await end(first);
    await watch.look();
    const second = start();
    living = [{ name: 'ingest-0', pid: second.pid ?? 0 }];
    await watch.look();
  } finally {
    watch.stop();
  }
  expect(watch.lives.map(({ name, isAlive }) => ({ name, isAlive }))).toEqual([
    { name: 'ingest-0', isAlive: false },
    { name: 'ingest-0', isAlive: true },
  ]);
  expect(watch.lives[0]?.samples.length).toBeGreaterThan(0);
  expect(looks).toEqual([...looks].sort((a, b) => a - b));
});

it.runIf(canSampleProcesses)('goes on with those it knew when nobody can say who there is', async () => {
  const child = start();
  let fails = false;
  const processes = async () => {
    if (fails) throw new Error('the broker is away');
    return [{ name: 'worker', pid: child.pid ?? 0 }];
  };
  const watch = new Watch({ everyMs: 3_600_000, processes });
  await watch.look();
  const seen = watch.lives[0]?.samples.length ?? 0;
  fails = true;
  await watch.look();
  watch.stop();
  expect(watch.lives[0]?.samples.length).toBe(seen + 1);
  expect(watch.lives[0]?.isAlive).toBe(true);
});

function start(): ChildProcess {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  children.push(child);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
