/** CSV row by row, as it is read, and the line where something is wrong. */
import { parse } from 'csv-parse/sync';
import { TraceError } from './errors.js';
import { mostLineBytes, readLines } from './lines.js';
import type { ReadOptions } from './source.js';

type OnRow = (row: readonly string[], line: number) => void;

/**
 * Hands over every row, the first one too; all have as many cells as the first. Empty lines are left out.
 *
 * @param onRow may throw, which ends the reading; `line` is where the row ends, from 1
 * Throws `malformed_trace` and `trace_file` with the file's name and the line.
 */
export async function readCsv(file: string, onRow: OnRow, options: ReadOptions = {}): Promise<void> {
  const rows = new Rows(file, onRow);
  await readLines(file, (text, line) => rows.take(text, line), options);
  rows.end();
}

class Rows {
  #width: number | undefined;
  /** Lines of a row whose last quote is still open. */
  #open: string[] = [];
  #openBytes = 0;
  #openLine = 0;

  constructor(
    private readonly file: string,
    private readonly onRow: OnRow,
  ) {}

  take(text: string, line: number): void {
    if (this.#open.length === 0) {
      if (text.trim() === '') return;
      // Without a quote every comma ends a cell. Nearly all rows of counts are like this, and the parser takes a
      // hundred times as long.
      if (!text.includes('"')) {
        this.#give(text.split(','), line);
        return;
      }
      this.#openLine = line;
    }
    const closes = (text.split('"').length % 2 === 0) === this.#open.length > 0;
    this.#open.push(text);
    this.#openBytes += text.length + 1;
    if (this.#openBytes > mostLineBytes) throw this.#unreadable(this.#openLine);
    if (!closes) return;
    const whole = this.#open.join('\n');
    this.#open = [];
    this.#openBytes = 0;
    this.#give(this.#parsed(whole, line), line);
  }

  /** Throws `malformed_trace` when a quote is open at the end of the file. */
  end(): void {
    if (this.#open.length > 0) throw this.#unreadable(this.#openLine);
  }

  #give(row: readonly string[], line: number): void {
    this.#width ??= row.length;
    if (row.length !== this.#width) {
      const found = `${row.length} columns and the first line ${this.#width}`;
      throw new TraceError('malformed_trace', `${this.file} line ${line} has ${found}`);
    }
    this.onRow(row, line);
  }

  #parsed(text: string, line: number): string[] {
    try {
      const rows: string[][] = parse(text);
      const [row] = rows;
      if (row !== undefined && rows.length === 1) return row;
    } catch {
      // Told below: what the parser says names its own lines.
    }
    throw this.#unreadable(line);
  }

  #unreadable(line: number): TraceError {
    const why = 'a quote is not where it may be, or not closed';
    return new TraceError('malformed_trace', `${this.file} line ${line} is no CSV: ${why}`);
  }
}
