import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { datatypes, type TensorMetadata } from './catalog.js';
import { encode } from './codec.js';
import { contentTypes } from './headers.js';
import { decodeOutputs, encodeOutputs, type OutputRow } from './outputs.js';
import { elementsOf, rowBytes } from './tensors.js';

const metadataOf = fc.record({
  name: fc.string({ minLength: 1 }),
  datatype: fc.constantFrom(...datatypes),
  shape: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }).map((rest) => [-1, ...rest]),
});

/** An output of random bytes: every bit pattern that an executor may give. */
const outputOf: fc.Arbitrary<OutputRow> = metadataOf.chain((metadata: TensorMetadata) => {
  const size = rowBytes(metadata);
  const byte = metadata.datatype === 'BOOL' ? fc.integer({ min: 0, max: 1 }) : fc.integer({ min: 0, max: 255 });
  return fc
    .array(byte, { minLength: size, maxLength: size })
    .map((bytes) => ({ metadata, data: elementsOf(metadata.datatype, Uint8Array.from(bytes)) }));
});

/** The answer around the bytes of the outputs, as simply as it can be made. */
function answerAround(contentType: string, bytes: Uint8Array): Uint8Array {
  if (contentType === contentTypes.bytes) return bytes;
  if (contentType === contentTypes.json) return Buffer.from(`{"outputs":${Buffer.from(bytes).toString()}}`);
  return Buffer.concat([Buffer.from([0x81]), encode('outputs'), bytes]);
}

describe('outputs', () => {
  it.each([contentTypes.bytes, contentTypes.msgpack])('come back bit by bit in %s', (contentType) => {
    fc.assert(
      fc.property(fc.array(outputOf, { minLength: 1, maxLength: 3 }), (outputs) => {
        const body = answerAround(contentType, encodeOutputs(contentType, outputs));
        const metadata = outputs.map((output) => output.metadata);
        const decoded = decodeOutputs(contentType, body, metadata);
        expect(decoded).toEqual(
          outputs.map(({ metadata: { name, datatype, shape }, data }) => ({
            name,
            datatype,
            shape: [1, ...shape.slice(1)],
            data,
          })),
        );
      }),
    );
  });

  it('come back in JSON as far as JSON can say them', () => {
    fc.assert(
      fc.property(outputOf, ({ metadata, data }) => {
        const bytes = encodeOutputs(contentTypes.json, [{ metadata, data }]);
        const [decoded] = decodeOutputs(contentTypes.json, answerAround(contentTypes.json, bytes), undefined);
        const expected = Array.from<number | bigint, number>(data, (element) => {
          const number = Number(element);
          // Infinities are null as NaN is, and -0 is 0.
          return Number.isFinite(number) ? number + 0 : Number.NaN;
        });
        expect(Array.from<number | bigint, number>(decoded?.data ?? [], Number)).toEqual(expected);
      }),
    );
  });

  it('of 64 bits are written with all their digits', () => {
    const metadata: TensorMetadata = { name: 'id', datatype: 'INT64', shape: [-1, 1] };
    const bytes = encodeOutputs(contentTypes.json, [{ metadata, data: new BigInt64Array([9_007_199_254_740_993n]) }]);
    expect(Buffer.from(bytes).toString()).toBe(
      '[{"name":"id","shape":[1,1],"datatype":"INT64","data":[9007199254740993]}]',
    );
  });

  it('that are cut short are refused', () => {
    const metadata: TensorMetadata[] = [{ name: 'scores', datatype: 'FP32', shape: [-1, 10] }];
    const malformed = expect.objectContaining({ code: 'malformed_body' });
    expect(() => decodeOutputs(contentTypes.bytes, new Uint8Array(39), metadata)).toThrow(malformed);
    expect(() => decodeOutputs(contentTypes.json, Buffer.from('{"outputs":[{}]}'), undefined)).toThrow(malformed);
    expect(() => decodeOutputs(contentTypes.json, Buffer.from('{'), undefined)).toThrow(malformed);
  });
});
