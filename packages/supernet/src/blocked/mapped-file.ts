/**
 * Weights in shared memory that ONNX Runtime maps instead of copying.
 *
 * An initializer may lie in a file beside the model (ONNX's external data). On Linux ONNX Runtime maps that file and
 * reads the weights where they lie, and a write to the file is a write to those pages. So graphs can have weights that
 * are constants to ONNX Runtime, feed nothing to a run, and still change in place. That the pages are shared is how
 * Linux works, not a promise of ONNX Runtime's: mapped-graph.ts tries it before anything relies on it.
 */
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** Memory as a file system, on Linux. */
const SHARED_MEMORY = '/dev/shm';
const CHUNK_BYTES = 2 ** 20;

export class MappedFile {
  readonly name = 'weights';
  private closed = false;

  private constructor(
    /** Where ONNX Runtime is to look for the file. */
    readonly folder: string,
    private readonly descriptor: number,
    readonly bytes: number,
  ) {}

  /** A file of zeros, its memory reserved; undefined where there is no shared memory or not enough of it. */
  static create(bytes: number): MappedFile | undefined {
    try {
      sweep();
      const { bavail, bsize } = statfsSync(SHARED_MEMORY);
      if (bavail * bsize < 2 * bytes) return undefined;
      const folder = mkdtempSync(join(SHARED_MEMORY, `${folderPrefix()}${process.pid}-`));
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

  /** @throws Error once the file is closed: its descriptor may be another file's by then. */
  write(values: Float32Array, offsetBytes: number): void {
    if (this.closed) throw new Error('The file of the weights is closed.');
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
    if (this.closed) return;
    this.closed = true;
    this.unlink();
    closeSync(this.descriptor);
  }
}

/** Process ids are told apart by the namespace that they count in: containers may share this memory. */
export function folderPrefix(): string {
  return `slackline-${readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')}-`;
}

/** Removes what processes left behind that were killed before they could take their file's name away. */
function sweep(): void {
  const prefix = folderPrefix();
  for (const name of readdirSync(SHARED_MEMORY)) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
    if (!(pid > 0) || isAlive(pid)) continue;
    try {
      rmSync(join(SHARED_MEMORY, name), { recursive: true, force: true });
    } catch {
      // Another user's: its own processes sweep it.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Of another user's process it is known only that it may not be signalled.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
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
