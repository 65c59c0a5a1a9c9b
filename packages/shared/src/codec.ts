/** msgpack for control messages and bodies. */
import { Packr } from 'msgpackr';
import { hasExtension } from './msgpack-scan.js';

// No records extension and no shared structures: any msgpack library in any language can read what we write.
const packr = new Packr({ useRecords: false, variableMapSize: true, int64AsType: 'number' });

/** Encodes a value; the result is a buffer of its own. */
export function encode(value: unknown): Uint8Array {
  return packr.pack(value);
}

/**
 * Decodes a value. Throws on malformed bytes; callers turn that into their coded error. Extension types are malformed: to
 * read them would mean to make whatever the sender names (regular expressions, errors, sets, references to each other).
 */
export function decode(bytes: Uint8Array): unknown {
  if (hasExtension(bytes)) throw new TypeError('msgpack with extension types');
  return packr.unpack(bytes);
}
