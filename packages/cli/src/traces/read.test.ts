import { expect, it } from 'vitest';
import { CommandError } from '../errors.js';
import type { Screen } from '../view/screen.js';
import { readTrace, readTraceOption } from './read.js';

const screen = { progress: () => {}, clear: () => {} } as unknown as Screen;
const signal = new AbortController().signal;

it('ends as a wrong option where --trace names no file', async () => {
  const given = ['nope:rate=1', {}, screen, signal] as const;
  await expect(readTraceOption(...given)).rejects.toMatchObject({
    name: 'CommandError',
    code: 'trace_file',
    exitCode: 2,
  });
  await expect(readTrace(...given)).rejects.not.toBeInstanceOf(CommandError);
});
