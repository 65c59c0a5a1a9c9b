/** What the tests of this room share. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll } from 'vitest';
import { TraceError } from './errors.js';

/**
 * A folder for the tests of a file. The function writes into it, packed when the name ends in `.gz`, and tells the
 * path.
 */
export function filesHere(): (name: string, content: string | Uint8Array) => Promise<string> {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slackline-traces-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return async (name, content) => {
    const path = join(folder, name);
    await writeFile(path, name.endsWith('.gz') && typeof content === 'string' ? gzipSync(content) : content);
    return path;
  };
}

/** What a person is told: the code and the sentence. Throws anything else that was thrown, and when nothing was. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  const thrown = await promise.then(
    () => new Error('nothing was refused'),
    (error: unknown) => error,
  );
  if (thrown instanceof TraceError) return `${thrown.code}: ${thrown.message}`;
  throw thrown;
}
