/**
 * Weights in shared memory that ONNX Runtime maps instead of copying.
 *
 * An initializer may lie in a file beside the model (ONNX's external data). On Linux ONNX Runtime maps that file and
 * reads the weights where they lie, and a write to the file is a write to those pages. So graphs can have weights that
 * are constants to ONNX Runtime, feed nothing to a run, and still change in place. That the pages are shared is how
 * Linux works, not a promise of ONNX Runtime's: mapping.ts tries it before anything relies on it.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Memory as a file system, on Linux. */
const SHARED_MEMORY = '/dev/shm';
const CHUNK_BYTES = 2 ** 20;

export class MappedFile {
  readonly name = 'weights';

  private constructor(
    /** Where ONNX Runtime is to look for the file. */
    readonly folder: string,
    private readonly descriptor: number,
    readonly bytes: number,
  ) {}

  /** A file of zeros, its memory reserved; undefined where there is no shared memory or not enough of it. */
  static create(bytes: number): MappedFile | undefined {
    try {
      const { bavail, bsize } = statfsSync(SHARED_MEMORY);
      if (bavail * bsize < 2 * bytes) return undefined;
      const folder = mkdtempSync(join(SHARED_MEMORY, 'slackline-'));
      try {
        return new MappedFile(folder, reserve(join(folder, 'weights'), bytes), bytes);
      } catch {
        rmSync(folder, { recursive: true, force: true });
        return undefined;
      }
    } catch {
      return undefined;
    }
  }

  write(values: Float32Array, offsetBytes: number): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.descriptor, bytes, done, bytes.length - done, offsetBytes + done);
    }
  }

  /** Takes the file's name away once it is mapped: its memory then lives as long as the mappings and this object. */
  unlink(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  close(): void {
    this.unlink();
    closeSync(this.descriptor);
  }
}

/** A file whose pages are all there: running out of memory later would end the process. */
function reserve(path: string, bytes: number): number {
  const descriptor = openSync(path, 'wx+', 0o600);
  try {
    const zeros = new Uint8Array(Math.min(bytes, CHUNK_BYTES));
    for (let at = 0; at < bytes; at += zeros.length) {
      const wanted = Math.min(zeros.length, bytes - at);
      if (writeSync(descriptor, zeros, 0, wanted, at) !== wanted) throw new Error('The shared memory is full.');
    }
    ftruncateSync(descriptor, bytes);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}
