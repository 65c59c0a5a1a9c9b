/**
 * Many byte strings in one buffer of their own, so that a whole batch moves between threads by transfer. The parts come
 * from buffers that others share (a socket's chunk, a pool), which can neither be transferred nor cloned cheaply: one
 * copy is the price.
 */

export interface Gathered {
  /** The parts one after another, filling their buffer. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Where each part ends. */
  ends: number[];
}

export function gather(parts: readonly Uint8Array[]): Gathered {
  const ends: number[] = [];
  let length = 0;
  for (const part of parts) {
    length += part.length;
    ends.push(length);
  }
  const bytes = new Uint8Array(length);
  parts.forEach((part, i) => {
    bytes.set(part, ends[i - 1] ?? 0);
  });
  return { bytes, ends };
}

/** The parts again, as views. */
export function scatter({ bytes, ends }: Gathered): Uint8Array[] {
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}
