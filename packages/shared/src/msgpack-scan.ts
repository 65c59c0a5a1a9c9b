/** Looks through msgpack without making anything of it. https://github.com/msgpack/msgpack/blob/master/spec.md */

/** Bytes that follow the first one of a value with a fixed size, by that first byte; absent: counted below. */
const fixedBytes: Readonly<Record<number, number>> = {
  ...{ 202: 4, 203: 8, 204: 1, 205: 2, 206: 4, 207: 8, 208: 1, 209: 2, 210: 4, 211: 8 },
};

/** Bytes in which strings (0xd9 …) and binary data (0xc4 …) state their length. */
const lengthBytes: Readonly<Record<number, number>> = { 196: 1, 197: 2, 198: 4, 217: 1, 218: 2, 219: 4 };
/** Bytes in which arrays (0xdc, 0xdd) and maps (0xde, 0xdf) state theirs, which are skipped: what they hold comes next. */
const countBytes: Readonly<Record<number, number>> = { 220: 2, 221: 4, 222: 2, 223: 4 };

/**
 * Whether a value of an extension type stands somewhere in `bytes`, or the byte that the specification never uses, to which
 * some libraries give a meaning. Of bytes that are cut off or end within a value: in what is there.
 */
export function hasExtension(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++] ?? 0;
    if (first < 0xa0 || first >= 0xe0) continue;
    if (first < 0xc0) {
      at += first - 0xa0;
      continue;
    }
    if (first === 0xc1 || (first >= 0xc7 && first <= 0xc9) || (first >= 0xd4 && first <= 0xd8)) return true;
    const stated = lengthBytes[first] ?? 0;
    let length = 0;
    for (let i = 0; i < stated; i++) length = length * 256 + (bytes[at + i] ?? 0);
    at += stated + length + (fixedBytes[first] ?? countBytes[first] ?? 0);
  }
  return false;
}
