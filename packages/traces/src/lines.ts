/** A file line by line, as it is read: of any size, with the number of each line. */
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import split from 'split2';
import { TraceError } from './errors.js';
import { openBytes, type ReadOptions, readingFailed } from './source.js';

/** The longest lines of traces have some ten thousand bytes; what is longer is no text. */
export const mostLineBytes = 2 ** 20;

/**
 * Hands over every line without its end.
 *
 * @param onLine may throw, which ends the reading; `line` counts from 1
 * Throws `malformed_trace` and `trace_file` with the file's name, and the signal's reason.
 */
export async function readLines(
  file: string,
  onLine: (text: string, line: number) => void,
  options: ReadOptions = {},
): Promise<void> {
  let line = 0;
  const lines = split(
    /\r?\n/,
    (text: string) => {
      line++;
      onLine(line === 1 ? text.replace(/^\uFEFF/, '') : text, line);
      // Handled at once and not kept: nothing piles up, however large the file is.
      return undefined;
    },
    { maxLength: mostLineBytes },
  );
  const nowhere = new Writable({ objectMode: true, write: (_line, _encoding, done) => done() });
  try {
    await pipeline(await openBytes(file, options), lines, nowhere, { signal: options.signal });
  } catch (error) {
    if (error instanceof Error && error.message === 'maximum buffer reached')
      throw new TraceError('malformed_trace', `${file} line ${line + 1} is longer than ${mostLineBytes} bytes`);
    throw readingFailed(file, error, options.signal);
  }
}
