/** Writes what `--svg` asks for. */
import { writeFile } from 'node:fs/promises';
import { OptionError } from './errors.js';

/** Throws `OptionError` for a path that cannot be written. */
export async function writePlot(path: string, svg: string): Promise<void> {
  try {
    await writeFile(path, svg);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OptionError(`--svg takes a file that can be written, not ${path} (${reason})`, { cause });
  }
}
