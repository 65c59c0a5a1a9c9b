/** The bytes of a file, unpacked if they are gzip, with progress; and what went wrong with it as a `TraceError`. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TraceError } from './errors.js';

export interface ReadProgress {
  file: string;
  /** Of the file as it lies there. */
  bytes: number;
  /** 0 where it is not known, as of a pipe. */
  totalBytes: number;
}

export interface ReadOptions {
  /** Called for every piece that was read. */
  onProgress?: ((progress: ReadProgress) => void) | undefined;
  /** Ends the reading with its reason. */
  signal?: AbortSignal | undefined;
}

/** Throws what the file system throws; see `readingFailed`. */
export async function openBytes(file: string, { onProgress }: ReadOptions = {}): Promise<Readable> {
  const totalBytes = (await stat(file)).size;
  const pieces = piecesOf(file, (bytes) => onProgress?.({ file, bytes, totalBytes }));
  const first = await pieces.next();
  const head = first.done === true ? Buffer.alloc(0) : first.value;
  const bytes = Readable.from(joined(head, pieces), { objectMode: false });
  if (head[0] !== 0x1f || head[1] !== 0x8b) return bytes;
  // Errors reach whoever reads the last stream.
  return pipeline(bytes, createGunzip(), () => {});
}

async function* piecesOf(file: string, onBytes: (bytes: number) => void): AsyncGenerator<Buffer, void> {
  let bytes = 0;
  for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) {
    bytes += piece.length;
    onBytes(bytes);
    yield piece;
  }
}

async function* joined(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield first;
  yield* rest;
}

/**
 * What a failed reading is told as: the signal's reason, an error of the trace as it is, or one that names the file.
 */
export function readingFailed(file: string, error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (error instanceof TraceError || !(error instanceof Error)) return error;
  const code = 'code' in error ? String(error.code) : '';
  if (code.startsWith('Z_'))
    return new TraceError('malformed_trace', `${file} is no whole gzip file (${error.message})`, { cause: error });
  if ('syscall' in error)
    return new TraceError('trace_file', `${file} cannot be read (${error.message})`, { cause: error });
  return error;
}
