import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canSampleProcesses, sampleProcess } from './process.js';

describe.runIf(canSampleProcesses)('a sample of a process', () => {
  it('counts its open files', () => {
    const before = sampleProcess(process.pid)?.fds ?? 0;
    const files = Array.from({ length: 7 }, () => openSync('/dev/null', 'r'));
    const during = sampleProcess(process.pid)?.fds ?? 0;
    for (const file of files) closeSync(file);
    // Whatever else the process does meanwhile opens fewer.
    expect(during - before).toBeGreaterThanOrEqual(5);
  });

  it('weighs its memory, and counts its threads and its processor time', () => {
    const before = sampleProcess(process.pid);
    const held = Buffer.alloc(96 * 1024 * 1024, 1);
    const after = sampleProcess(process.pid);
    expect((after?.rssBytes ?? 0) - (before?.rssBytes ?? 0)).toBeGreaterThan(held.length / 2);
    expect(after?.threads).toBeGreaterThan(1);
    expect(after?.cpuMs).toBeGreaterThanOrEqual(before?.cpuMs ?? Number.POSITIVE_INFINITY);
  });

  it('tells that a process is gone', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
    const pid = child.pid ?? 0;
    expect(sampleProcess(pid)).toBeDefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(sampleProcess(pid)).toBeUndefined();
  });
});
