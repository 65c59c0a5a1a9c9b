/** Request logs: CSV files with a column that says when each request came. */
import { basename } from 'node:path';
import { TraceBuilder } from './builder.js';
import { readCsv } from './csv.js';
import { TraceError } from './errors.js';
import type { ReadOptions } from './source.js';
import { readTime, type TimeUnit, unitOf } from './timestamps.js';
import type { Trace } from './trace.js';

export interface RequestLogOptions extends ReadOptions {
  /** Name of the column, or its number from 1; the first whose name is one of a time unless said otherwise. */
  column?: string | undefined;
  /** What the times are written in; told by the first of them unless said otherwise. */
  unit?: TimeUnit | undefined;
}

const timeNames = new Set(
  ['timestamp', 'time', 'ts', 'datetime', 'date', 'at', 'atms', 'arrival', 'arrivedat', 'arrivaltime', 'requesttime']
    .concat(['starttimestamp', 'starttime', 'startedat', 'start', 'endtimestamp', 'endtime', 'createdat'])
    .concat(['timestampms', 'timestampus', 'timestampns', 'timems', 'timeus', 'timens', 'timesec', 'timestampsec']),
);

/** Where a log's times stand, from 0, by the names of its columns. */
export function timeColumn(header: readonly string[]): number | undefined {
  const place = header.findIndex(
    (name) => !/[;\t]/.test(name) && timeNames.has(name.toLowerCase().replaceAll(/[^a-z]/g, '')),
  );
  return place < 0 ? undefined : place;
}

/**
 * Every row is a query; the first begins the trace, which ends one mean gap behind the last. The rows may be in any
 * order.
 *
 * Throws `malformed_trace` with the line for what is no time, `trace_file`, `trace_too_long`.
 */
export async function readRequestLog(file: string, options: RequestLogOptions = {}): Promise<Trace> {
  const reader = new LogReader(file, options);
  await readCsv(file, (row, line) => reader.read(row, line), options);
  return reader.trace();
}

class LogReader {
  readonly #builder: TraceBuilder;
  #place: number | undefined;
  #unit: TimeUnit | undefined;

  constructor(
    private readonly file: string,
    private readonly options: RequestLogOptions,
  ) {
    this.#builder = new TraceBuilder(basename(file));
    this.#unit = options.unit;
  }

  read(row: readonly string[], line: number): void {
    if (this.#place === undefined) {
      this.#place = this.#find(row);
      // A file without names begins with a request.
      if (this.#time(row[this.#place] ?? '') === undefined) return;
    }
    const cell = row[this.#place] ?? '';
    this.#unit ??= unitOf(cell);
    const atMs = this.#time(cell);
    if (atMs === undefined) {
      const kind = this.#unit === undefined || this.#unit === 'iso' ? 'time' : `time in ${this.#unit}`;
      const found = JSON.stringify(cell.slice(0, 60));
      throw new TraceError('malformed_trace', `${this.file} line ${line} has ${found}, which is no ${kind}`);
    }
    this.#builder.add({ atMs });
  }

  trace(): Trace {
    if (this.#builder.queries === 0) throw new TraceError('malformed_trace', `${this.file} has no request`);
    return this.#builder.build();
  }

  #time(cell: string): number | undefined {
    const unit = this.#unit ?? unitOf(cell);
    return unit === undefined ? undefined : readTime(cell, unit);
  }

  #find(header: readonly string[]): number {
    const { column } = this.options;
    const names = header.map((name) => name.trim());
    const place = column === undefined ? (timeColumn(names) ?? timePlace(names)) : placeOf(names, column);
    if (place !== undefined) return place;
    const what = column === undefined ? 'no column named as a time' : `no column ${column}`;
    const known = names.slice(0, 20).join(', ').slice(0, 200);
    throw new TraceError(
      'malformed_trace',
      `${this.file} has ${what}; it has ${known}${separatorHint(names)}: name one with column=`,
    );
  }
}

/** What to say of a file whose only column seems to be several. */
export function separatorHint(names: readonly string[]): string {
  const separator = names.length === 1 ? names[0]?.match(/[;\t]/)?.[0] : undefined;
  if (separator === undefined) return '';
  return `, and seems to separate its columns by ${separator === ';' ? 'semicolons' : 'tabs'}, not commas`;
}

/** Where the first time stands in a row of a file without names. */
export function timePlace(row: readonly string[]): number | undefined {
  // A list in JSON has numbers between commas too.
  if (row[0]?.trimStart().startsWith('[') === true) return undefined;
  const place = row.findIndex((cell) => unitOf(cell) !== undefined);
  return place < 0 ? undefined : place;
}

function placeOf(names: readonly string[], column: string): number | undefined {
  const place = names.indexOf(column);
  if (place >= 0) return place;
  const number = Number(column);
  return Number.isInteger(number) && number >= 1 && number <= names.length ? number - 1 : undefined;
}
