/** The counts of Azure Functions files: a row per function, a column per minute, a file per day. */
import { readCsv } from './csv.js';
import { TraceError } from './errors.js';
import { type MinuteColumns, minuteColumns } from './minutes.js';
import type { ReadOptions } from './source.js';

/** Invocations of all functions per minute, over all files. */
export interface Recorded {
  perMinute: Float64Array;
  functions: number;
  invocations: number;
}

/** Throws `malformed_trace`, also when nothing was invoked at all, and `trace_file`. */
export async function readTotals(files: readonly string[], options: ReadOptions): Promise<Recorded> {
  if (files.length === 0) throw new TraceError('invalid_trace', 'A replay of Azure Functions takes at least one file');
  const perMinute: number[] = [];
  const functions = { count: 0 };
  const onFile = (minutes: number) => {
    for (let i = 0; i < minutes; i++) perMinute.push(0);
  };
  const onFunction = () => {
    functions.count++;
  };
  await readCounts(files, { ...options, onFile, onFunction }, (minute, count) => {
    perMinute[minute] = (perMinute[minute] ?? 0) + count;
  });
  const invocations = perMinute.reduce((sum, count) => sum + count, 0);
  if (invocations === 0) throw new TraceError('malformed_trace', `${files.join(', ')} has no invocation at all`);
  if (invocations > Number.MAX_SAFE_INTEGER)
    throw new TraceError('malformed_trace', `${files.join(', ')} counts more invocations than can be added up`);
  return { perMinute: Float64Array.from(perMinute), functions: functions.count, invocations };
}

export interface CountOptions extends ReadOptions {
  /** A file begins, with so many minutes. */
  onFile?: (minutes: number) => void;
  /** A function, that is a row, begins. */
  onFunction?: () => void;
}

/** Hands over every count that is not 0, with its minute from the beginning of the first file. */
export async function readCounts(
  files: readonly string[],
  options: CountOptions,
  onCount: (minute: number, count: number) => void,
): Promise<void> {
  let firstMinute = 0;
  for (const file of files) {
    const reader = new CountReader(file, firstMinute, options, onCount);
    await readCsv(file, (row, line) => reader.read(row, line), options);
    firstMinute += reader.minutes;
  }
}

class CountReader {
  #columns: MinuteColumns | undefined;

  constructor(
    private readonly file: string,
    private readonly firstMinute: number,
    private readonly options: CountOptions,
    private readonly onCount: (minute: number, count: number) => void,
  ) {}

  /** Of the file. Throws `malformed_trace` when it had no first line. */
  get minutes(): number {
    if (this.#columns === undefined) throw new TraceError('malformed_trace', `${this.file} is empty`);
    return this.#columns.count;
  }

  read(row: readonly string[], line: number): void {
    if (this.#columns === undefined) {
      this.#columns = minuteColumns(row, this.file);
      this.options.onFile?.(this.#columns.count);
      return;
    }
    this.options.onFunction?.();
    const { places, minutes } = this.#columns;
    for (let i = 0; i < places.length; i++) {
      const place = places[i] ?? 0;
      const cell = row[place] ?? '';
      // Nearly all of them.
      if (cell === '0') continue;
      if (!wholeNumber.test(cell)) throw this.#noCount(cell, line, place + 1);
      this.onCount(this.firstMinute + (minutes[i] ?? 0), Number(cell));
    }
  }

  #noCount(cell: string, line: number, column: number): TraceError {
    const found = `${JSON.stringify(cell.slice(0, 40))} in column ${column}, which takes a count`;
    return new TraceError('malformed_trace', `${this.file} line ${line} has ${found}`);
  }
}

/** As counts are written, also by programs that take them for fractions. */
const wholeNumber = /^\s*\d{1,15}(?:\.0*)?\s*$/;
