import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { decode, encode } from './codec.js';
import { hasExtension } from './msgpack-scan.js';

/** What control messages and bodies are made of. */
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    ...[fc.constant(null), fc.boolean(), fc.maxSafeInteger(), fc.double({ noNaN: true }), fc.string()],
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 20 },
    ),
  ),
})).value;

/** As msgpack has it: one zero, and objects like any other. */
const normal = (value: unknown): unknown => {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(normal);
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, normal(each)]));
};

describe('msgpack', () => {
  it('comes back as it was', () => {
    const check = (value: unknown) => {
      expect(normal(decode(encode(value)))).toEqual(normal(value));
    };
    fc.assert(fc.property(values, check), { numRuns: 500 });
  });

  it('that was cut, filled up or made up throws, or is a value: it never hangs, and takes no memory that it does not fill', () => {
    const damaged = fc.tuple(values, fc.nat(), fc.uint8Array({ maxLength: 40 })).map(([value, cut, more]) => {
      const bytes = encode(value);
      return Buffer.concat([bytes.subarray(0, cut % (bytes.length + 1)), more]);
    });
    fc.assert(
      fc.property(
        fc.oneof(
          damaged,
          fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
        ),
        (bytes) => {
          let value: unknown;
          try {
            value = decode(bytes);
          } catch {
            return;
          }
          expect(() => encode(value)).not.toThrow();
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['arrays in arrays', Buffer.alloc(100_000, 0x91)],
    [
      'arrays of millions, of which nothing comes',
      Buffer.alloc(5 * 20_000, Buffer.from([0xdd, 0x01, 0xff, 0xff, 0xff])),
    ],
    ['a map of four billion', Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1, 0x61])],
    ['bytes that are not there', Buffer.from([0xc6, 0xff, 0xff, 0xff, 0xff, 1])],
  ])('of %s throws', (_, bytes) => {
    expect(() => decode(bytes)).toThrow();
  });

  it.each([
    ['a date', new Date(0)],
    ['a regular expression', /(a+)+$/],
    ['a set', new Set([1])],
    ['an error', new TypeError('x')],
  ])('with %s in it, which only some libraries know, throws', (_, value) => {
    const theirs = new Packr({ moreTypes: true, useRecords: false });
    expect(() => decode(theirs.pack({ inputs: [value] }))).toThrow(/extension/);
  });

  it('of records, which only one library knows, throws', () => {
    const theirs = new Packr({ useRecords: true });
    expect(() => decode(theirs.pack([{ a: 1 }, { a: 2 }]))).toThrow(/extension/);
  });

  it('has no extension type in what was written here', () => {
    const check = (value: unknown) => {
      expect(hasExtension(encode(value))).toBe(false);
    };
    fc.assert(fc.property(values, check), { numRuns: 500 });
  });
});
