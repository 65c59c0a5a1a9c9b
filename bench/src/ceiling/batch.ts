/**
 * Batches between scheduler and worker in a fixed layout: a head of two numbers, then each part with its length before it.
 *
 *   batch id (4 bytes), worker (4), then for each part its length (4) and its bytes; all numbers little-endian
 */

const headBytes = 8;
const lengthBytes = 4;

export interface Batch {
  id: number;
  /** Index of the worker that it goes to, or comes from. */
  worker: number;
  parts: readonly Uint8Array[];
}

const partBytes = (part: Uint8Array): number => lengthBytes + part.length;

export function encodeBatch({ id, worker, parts }: Batch): Uint8Array {
  let length = headBytes;
  for (const part of parts) length += partBytes(part);
  const bytes = Buffer.allocUnsafe(length);
  bytes.writeUInt32LE(id, 0);
  bytes.writeUInt32LE(worker, 4);
  let at = headBytes;
  for (const part of parts) {
    bytes.writeUInt32LE(part.length, at);
    bytes.set(part, at + lengthBytes);
    at += partBytes(part);
  }
  return bytes;
}

/** The parts are views of `data`. Throws `RangeError` for a length that leads out of it. */
export function decodeBatch(data: Uint8Array): Batch {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  const parts: Uint8Array[] = [];
  for (let at = headBytes; at < bytes.length; ) {
    const from = at + lengthBytes;
    const to = from + bytes.readUInt32LE(at);
    if (to > bytes.length) throw new RangeError(`a batch of ${bytes.length} bytes has a part up to ${to}`);
    parts.push(bytes.subarray(from, to));
    at = to;
  }
  return { id: bytes.readUInt32LE(0), worker: bytes.readUInt32LE(4), parts };
}
