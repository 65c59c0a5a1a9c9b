/**
 * The last lines a process wrote, kept to be shown when it dies, and written on to a file where one is wanted.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface LogTailOptions {
  /** How many lines are kept. Default 40: a stack trace and what led to it. */
  keep?: number;
  /** File that every line is appended to. */
  file?: string;
  /** Told every line as it comes. */
  onLine?: (line: string) => void;
}

export class LogTail {
  readonly #keep: number;
  readonly #lines: string[] = [];
  readonly #file: WriteStream | undefined;
  readonly #onLine: ((line: string) => void) | undefined;

  constructor({ keep = 40, file, onLine }: LogTailOptions = {}) {
    this.#keep = keep;
    this.#file = file === undefined ? undefined : createWriteStream(file, { flags: 'a' });
    // A full disk must not end the system: the lines stay in memory.
    this.#file?.on('error', () => undefined);
    this.#onLine = onLine;
  }

  /** Reads a stream to its end. The stream must be drained even if nobody looks, or the process blocks on writing. */
  read(stream: Readable): void {
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => this.#add(line));
  }

  /** The last lines, oldest first. */
  lines(): readonly string[] {
    return [...this.#lines];
  }

  /** Resolves when the file has everything. */
  async close(): Promise<void> {
    const file = this.#file;
    if (file !== undefined) await new Promise<void>((resolve) => file.end(() => resolve()));
  }

  #add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > this.#keep) this.#lines.shift();
    this.#file?.write(`${line}\n`);
    this.#onLine?.(line);
  }
}
