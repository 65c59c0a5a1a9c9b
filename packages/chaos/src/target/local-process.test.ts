import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { LocalProcess } from './local-process.js';

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
});

describe.runIf(existsSync('/proc/self/stat'))('a process of this host', () => {
  it('is found by its id and its command line, and no other is', async () => {
    const child = await started('echo ready; sleep 60 # the one');
    expect(LocalProcess.find(child.pid ?? 0, /the one/)?.isAlive).toBe(true);
    expect(LocalProcess.find(child.pid ?? 0, /another/)).toBeUndefined();
    for (const pid of [0, 1, -1, Number.NaN, 1.5, process.pid, process.ppid, 2 ** 31]) {
      expect(LocalProcess.find(pid, /the one/)).toBeUndefined();
    }
  });

  it('is paused, goes on, and is gone when its end resolves', async () => {
    const child = await started('echo ready; while :; do sleep 0.01; done');
    const found = LocalProcess.find(child.pid ?? 0, /while/);
    found?.signal('SIGSTOP');
    await expect.poll(() => stateOf(child)).toBe('T');
    found?.signal('SIGCONT');
    await expect.poll(() => stateOf(child)).not.toBe('T');
    await found?.kill();
    expect(found?.isAlive).toBe(false);
    found?.signal('SIGSTOP');
    await found?.stop();
  });

  it('ends in order where it can, also when it is paused', async () => {
    const child = await started('trap "exit 7" TERM; echo ready; while :; do sleep 0.01; done');
    const found = LocalProcess.find(child.pid ?? 0, /trap/);
    found?.signal('SIGSTOP');
    const ended = once(child, 'exit');
    await found?.stop();
    expect(await ended).toEqual([7, null]);
  });

  it('is not taken for another that has its id now', async () => {
    const child = await started('echo ready; read line; exec sleep 60');
    const found = LocalProcess.find(child.pid ?? 0, /read line/);
    expect(found?.isAlive).toBe(true);
    child.stdin?.write('go\n');
    await expect.poll(() => commandLine(child)).toContain('sleep\0');
    expect(found?.isAlive).toBe(false);
    found?.signal('SIGKILL');
    await found?.kill();
    expect(stateOf(child)).not.toBe('');
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  });
});

async function started(script: string): Promise<ChildProcess> {
  const child = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  children.push(child);
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

function stateOf({ pid }: ChildProcess): string {
  return read(`/proc/${pid}/stat`).split(') ')[1]?.[0] ?? '';
}

function commandLine({ pid }: ChildProcess): string {
  return read(`/proc/${pid}/cmdline`);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
