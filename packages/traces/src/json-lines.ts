/**
 * Traces as JSON lines: one object per query, `{"atMs":12.5}` with `model`, `sloMs`, `minAccuracy` and `priority` where
 * they are known. The first line may say `{"trace":"its name","durationMs":60000}`.
 */
import { createWriteStream } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { z } from 'zod';
import { TraceBuilder } from './builder.js';
import { TraceError } from './errors.js';
import { readLines } from './lines.js';
import type { ReadOptions } from './source.js';
import { readTime, type TimeUnit, unitOf } from './timestamps.js';
import { checkLength, noModel, priorityNames, type Trace } from './trace.js';

const headLine = z.object({
  trace: z.string().max(10_000),
  durationMs: z.number().positive().optional(),
  note: z.string().optional(),
});
const queryLine = z.object({
  atMs: z.number().min(0).max(1e15).optional(),
  timestamp: z.union([z.string(), z.number()]).optional(),
  model: z.string().min(1).optional(),
  sloMs: z.number().positive().optional(),
  minAccuracy: z.number().min(0).max(1).optional(),
  priority: z.enum(priorityNames).optional(),
});

/**
 * The lines may be in any order. `atMs` counts from the trace's start; a file of `timestamp`s (ISO 8601, or a number of
 * s, ms, µs or ns) starts at its first.
 *
 * Throws `malformed_trace` with the line, `trace_file`, `trace_too_long`.
 */
export async function readJsonLines(file: string, options: ReadOptions = {}): Promise<Trace> {
  const reader = new LineReader(file);
  await readLines(file, (text, line) => reader.read(text, line), options);
  return reader.trace();
}

class LineReader {
  readonly #builder: TraceBuilder;
  #head: z.infer<typeof headLine> | undefined;
  #line = 0;
  #field: 'atMs' | 'timestamp' | undefined;
  #unit: TimeUnit | undefined;

  constructor(private readonly file: string) {
    this.#builder = new TraceBuilder(basename(file));
  }

  read(text: string, line: number): void {
    this.#line = line;
    const trimmed = text.trim();
    if (trimmed === '') return;
    const value = this.#json(trimmed);
    if (this.#builder.queries === 0 && this.#head === undefined) {
      const head = headLine.safeParse(value);
      this.#head = head.data;
      if (head.success) return;
    }
    const query = queryLine.safeParse(value);
    if (!query.success) {
      const [issue] = query.error.issues;
      throw this.#wrong(issue?.path.length ? `in ${issue.path.join('.')} (${issue.message})` : 'which is no object');
    }
    const { atMs, timestamp, ...rest } = query.data;
    this.#builder.add({ ...rest, atMs: this.#time(atMs, timestamp) });
  }

  trace(): Trace {
    if (this.#builder.queries === 0 && this.#head?.durationMs === undefined)
      throw new TraceError('malformed_trace', `${this.file} has no query`);
    const { durationMs, trace: name, note } = this.#head ?? {};
    const trace = this.#builder.build({ durationMs, ...(this.#field !== 'timestamp' && { startMs: 0 }) });
    const last = trace.arrivalsMs.at(-1) ?? 0;
    if (last >= trace.durationMs)
      throw new TraceError('malformed_trace', `${this.file} ends at ${durationMs} ms and has a query at ${last} ms`);
    return { ...trace, ...(name !== undefined && { name }), ...(note !== undefined && { note }) };
  }

  #json(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      throw this.#wrong('which is no JSON');
    }
  }

  #time(atMs: number | undefined, timestamp: string | number | undefined): number {
    const field = atMs === undefined ? 'timestamp' : 'atMs';
    this.#field ??= field;
    if (field !== this.#field) throw this.#wrong(`without ${this.#field}, which the lines before it have`);
    if (atMs !== undefined) return atMs;
    if (timestamp === undefined) throw this.#wrong('with neither atMs nor timestamp');
    const text = String(timestamp);
    this.#unit ??= unitOf(text);
    const time = this.#unit === undefined ? undefined : readTime(text, this.#unit);
    if (time === undefined)
      throw this.#wrong(
        `with the timestamp ${JSON.stringify(timestamp).slice(0, 60)}, which is no time as those before it`,
      );
    return time;
  }

  #wrong(what: string): TraceError {
    return new TraceError('malformed_trace', `${this.file} line ${this.#line} has something ${what}`);
  }
}

/** Replaces the file; packed when its name ends in `.gz`. What is read back is the same trace. Throws `trace_file`. */
export async function writeJsonLines(file: string, trace: Trace, signal?: AbortSignal): Promise<void> {
  checkLength(trace.arrivalsMs.length, trace.name);
  const lines = Readable.from(pieces(trace), { objectMode: false });
  const out = createWriteStream(file);
  try {
    if (file.endsWith('.gz')) await pipeline(lines, createGzip(), out, { signal });
    else await pipeline(lines, out, { signal });
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TraceError('trace_file', `${file} cannot be written (${reason})`, { cause });
  }
}

const linesAPiece = 4_096;

function* pieces(trace: Trace): Generator<string> {
  const { name, note, durationMs, arrivalsMs } = trace;
  yield `${JSON.stringify({ trace: name, durationMs, note })}\n`;
  for (let from = 0; from < arrivalsMs.length; from += linesAPiece) {
    let piece = '';
    const to = Math.min(from + linesAPiece, arrivalsMs.length);
    for (let i = from; i < to; i++) piece += `${JSON.stringify(lineOf(trace, i))}\n`;
    yield piece;
  }
}

function lineOf({ arrivalsMs, models, modelIndex, sloMs, minAccuracy, priority }: Trace, i: number) {
  const model = modelIndex?.[i] ?? noModel;
  const slo = sloMs?.[i] ?? Number.NaN;
  return {
    atMs: arrivalsMs[i],
    ...(model !== noModel && { model: models?.[model] }),
    ...(!Number.isNaN(slo) && { sloMs: slo }),
    ...(minAccuracy !== undefined && { minAccuracy: minAccuracy[i] }),
    ...(priority !== undefined && { priority: priorityNames[priority[i] ?? 0] }),
  };
}
