/** Which format a file has, by how it begins. */
import { parse } from 'csv-parse/sync';
import { TraceError } from './errors.js';
import { minuteOf } from './minutes.js';
import type { Format } from './recording-text.js';
import { separatorHint, timeColumn, timePlace } from './request-log.js';
import { openBytes, type ReadOptions, readingFailed } from './source.js';
import { traceKinds } from './spec.js';

/** The line of names of an Azure Functions file has some 15,000 characters. */
const headBytes = 2 ** 17;

/** A file of minutes alone could also be a log without names: `azure:file=` says that it is none. */
const idColumn = /^\s*(hash(owner|app|function)|trigger)\s*$/i;

/** Throws `malformed_trace` for none of the formats, and `trace_file`. */
export async function formatOf(file: string, options: ReadOptions): Promise<Format> {
  const head = (await headOf(file, options)).replace(/^\uFEFF/, '').trimStart();
  if (head.startsWith('{')) return 'jsonl';
  const names = namesOf(head.split(/\r?\n/, 1)[0] ?? '');
  if (head.startsWith('['))
    throw new TraceError('malformed_trace', `${file} is a list in JSON: write its queries as one object on every line`);
  if (timeColumn(names) !== undefined) return 'log';
  if (names.some((name) => minuteOf(name) !== undefined) && names.some((name) => idColumn.test(name))) return 'azure';
  if (timePlace(names) !== undefined) return 'log';
  const known = 'a query in JSON on every line, a column of times, or a column per minute';
  throw new TraceError(
    'malformed_trace',
    `${file} is no trace: it has not ${known}${separatorHint(names)} (docs/traces.md)`,
  );
}

async function headOf(file: string, { signal }: ReadOptions): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of (await openBytes(file)) as AsyncIterable<Buffer>) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= headBytes) break;
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      const kinds = [...traceKinds, 'azure', 'log', 'jsonl'].map((kind) => `${kind}:`).join(', ');
      throw new TraceError('trace_file', `There is no file ${file}; a trace that is no file begins with ${kinds}`);
    }
    throw readingFailed(file, error, signal);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function namesOf(line: string): string[] {
  try {
    const rows: string[][] = parse(line);
    return rows[0] ?? [];
  } catch {
    return [];
  }
}
