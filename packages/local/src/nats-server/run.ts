/**
 * Runs a small program to its end: what finding a nats-server needs of tar, apt-get and dpkg-deb.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a program and returns what it wrote to stdout; injected in tests. */
export type Runner = (command: string, args: readonly string[], options?: RunOptions) => Promise<string>;

export interface RunOptions {
  cwd?: string;
  /** Ended with SIGTERM after this long. Default 60 s. */
  timeoutMs?: number;
}

/** @throws Error with the end of stderr if it fails, cannot be started or takes too long */
export const run: Runner = async (command, args, { cwd, timeoutMs = 60_000 } = {}) => {
  try {
    const { stdout } = await promisify(execFile)(command, args, {
      cwd,
      timeout: timeoutMs,
      maxBuffer: 16 << 20,
    });
    return stdout;
  } catch (error) {
    throw new Error(`${command}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
};

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('killed' in error && error.killed === true) return 'took too long';
  const stderr = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : '';
  return stderr === '' ? error.message : (stderr.split('\n').at(-1) ?? stderr);
}
