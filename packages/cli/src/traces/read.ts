/** A trace as every command takes it: the text of `--trace`, with progress where reading takes long. */
import { openTrace, type ReadProgress, type SpecDefaults, type Trace, TraceError } from '@slackline/traces';
import { CommandError, wronglyCalled } from '../errors.js';
import type { Screen } from '../view/screen.js';

/** What is read sooner needs no progress. */
const longMs = 1_000;

/**
 * @param text a generator's spec, a file, or a file with options: docs/traces.md
 * @param defaults what holds where the text says nothing
 * Throws `TraceError`, and the signal's reason when it aborts.
 */
export async function readTrace(
  text: string,
  defaults: SpecDefaults,
  screen: Screen,
  signal: AbortSignal,
): Promise<Trace> {
  const startedAtMs = performance.now();
  const onProgress = (progress: ReadProgress) => {
    if (performance.now() - startedAtMs > longMs) screen.progress(progressText(progress));
  };
  try {
    return await openTrace(text, { ...defaults, onProgress, signal });
  } finally {
    screen.clear();
  }
}

/** As `readTrace`, of an option `--trace`: a file that is not there is an option that cannot be used. */
export async function readTraceOption(...args: Parameters<typeof readTrace>): Promise<Trace> {
  try {
    return await readTrace(...args);
  } catch (error) {
    if (!(error instanceof TraceError && error.code === 'trace_file')) throw error;
    throw new CommandError(`--trace: ${error.message}`, { code: error.code, exitCode: wronglyCalled, cause: error });
  }
}

function progressText({ file, bytes, totalBytes }: ReadProgress): string {
  const part = totalBytes > 0 ? `${Math.floor((100 * Math.min(bytes, totalBytes)) / totalBytes)} % of ` : '';
  return `reading ${file}: ${part}${megabytes(totalBytes > 0 ? totalBytes : bytes)}`;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
