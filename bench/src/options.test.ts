import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { describe, expect, test, vi } from 'vitest';
import { readOptions } from './options.js';

describe('the command line', () => {
  test('runs all but the trace in ten minutes, and writes to results', () => {
    const options = readOptions([], {});
    expect(options).toMatchObject({ json: false, quick: false, minutes: 10, policy: undefined, rate: undefined });
    expect(options.only).toEqual(['slackline', 'ceiling', 'overhead', 'cost', 'storage', 'peers']);
    expect(options.out).toMatch(/results$/);
    expect(options.data).toMatch(/shared\/data$/);
  });

  test('a quick run is a minute and leaves the results alone, unless it is told where to write', () => {
    expect(readOptions(['--quick'], {})).toMatchObject({ minutes: 1, out: undefined });
    const folder = mkdtempSync(join(tmpdir(), 'slackline-bench-'));
    try {
      expect(readOptions(['--quick', '--out', 'there'], { INIT_CWD: folder }).out).toBe(join(folder, 'there'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('takes parts in the order that they are run in, and time for the trace', () => {
    const options = readOptions(['--only', 'trace,slackline', '--rate', '4000'], { SLACKLINE_DATA: '/data' });
    expect(options).toMatchObject({ only: ['slackline', 'trace'], minutes: 20, rate: 4_000, data: '/data' });
    expect(readOptions(['--only', 'trace', '--minutes', '5'], {}).minutes).toBe(5);
  });

  test('refuses what it does not know, and what would fail only at the end', () => {
    const silent = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const file = new URL(import.meta.url).pathname;
    try {
      for (const args of [
        ...[
          ['--only', 'all'],
          ['--minutes', '0'],
          ['--rate', 'fast'],
          ['--fast'],
          ['--policy', 'nonsense'],
          ['--policy', 'fixed:nope'],
        ],
        ...[
          ['--out', join(file, 'results')],
          ['--device-profile', file],
          ['--device-profile', '/nowhere.json'],
        ],
      ]) {
        expect(() => readOptions(args, {})).toThrow(CommanderError);
      }
      expect(() => readOptions([], { NATS_URL: 'nats://127.0.0.1:4222' })).toThrow(CommanderError);
    } finally {
      silent.mockRestore();
    }
  });
});
