import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Datatype, datatypes, type TensorMetadata } from './catalog.js';
import { encode } from './codec.js';
import { type ErrorCode, SlacklineError } from './errors.js';
import { contentTypes } from './headers.js';
import { contentTypeOf, decodeTensor } from './open-inference.js';
import { bytesOf, newTensorData, rowBytes, rowElements } from './tensors.js';

const image: TensorMetadata = { name: 'image', datatype: 'FP32', shape: [-1, 2, 3] };
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const request = (input: Record<string, unknown>) => ({
  inputs: [{ name: 'image', shape: [1, 2, 3], datatype: 'FP32', data: [1, 2, 3, 4, 5, 6], ...input }],
});

/** The error that decoding throws. */
function refusal(contentType: string, body: Uint8Array, metadata = image): SlacklineError {
  try {
    decodeTensor(contentType, body, metadata);
  } catch (error) {
    if (error instanceof SlacklineError) return error;
    throw error;
  }
  throw new Error('it was decoded');
}

const integer = (least: number, most: number) => fc.integer({ min: least, max: most });
const elements: Record<Datatype, fc.Arbitrary<number>> = {
  BOOL: integer(0, 1),
  UINT8: integer(0, 255),
  INT8: integer(-128, 127),
  INT16: integer(-32_768, 32_767),
  INT32: integer(-2_147_483_648, 2_147_483_647),
  INT64: fc.maxSafeInteger(),
  FP32: fc.float({ noNaN: true, noDefaultInfinity: true }),
  FP64: fc.double({ noNaN: true, noDefaultInfinity: true }),
};

const metadataOf = fc.record({
  name: fc.string({ minLength: 1 }),
  datatype: fc.constantFrom(...datatypes),
  shape: fc.array(integer(1, 4), { maxLength: 3 }).map((rest) => [-1, ...rest]),
});

/** A tensor and its elements as numbers. */
const filled = metadataOf.chain((metadata) =>
  fc
    .array(elements[metadata.datatype], { minLength: rowElements(metadata), maxLength: rowElements(metadata) })
    // Adding 0 makes -0 a 0, as JSON and msgpack write it.
    .map((values) => ({ metadata, values: values.map((value) => value + 0) })),
);

function rawBytes({ metadata, values }: { metadata: TensorMetadata; values: number[] }): Uint8Array {
  const { data, bytes } = newTensorData(metadata.datatype, values.length);
  values.forEach((value, index) => {
    if (data instanceof BigInt64Array) data[index] = BigInt(value);
    else data[index] = value;
  });
  return bytes;
}

/** Nests a flat row as `shape` says. */
function nest(values: unknown[], shape: readonly number[]): unknown[] {
  const [, ...inner] = shape;
  if (inner.length === 0) return values;
  const size = inner.reduce((product, n) => product * n, 1);
  return Array.from({ length: values.length / size }, (_, i) => nest(values.slice(i * size, (i + 1) * size), inner));
}

describe('a body becomes the raw bytes of one row', () => {
  it('whatever the datatype, the shape and the form it is written in', () => {
    fc.assert(
      fc.property(filled, ({ metadata, values }) => {
        const expected = rawBytes({ metadata, values });
        const shape = [1, ...metadata.shape.slice(1)];
        const body = (data: unknown) => ({
          inputs: [{ name: metadata.name, shape, datatype: metadata.datatype, data }],
        });
        const forms: [string, Uint8Array][] = [
          [contentTypes.bytes, expected],
          [contentTypes.json, json(body(values))],
          [contentTypes.json, json(body(nest(values, shape)))],
          [contentTypes.msgpack, encode(body(values))],
          [contentTypes.msgpack, encode(body(expected))],
        ];
        for (const [contentType, bytes] of forms) {
          expect(Buffer.from(decodeTensor(contentType, bytes, metadata)).equals(expected)).toBe(true);
        }
      }),
    );
  });

  it('without copying raw bytes', () => {
    const body = new Uint8Array(24);
    expect(decodeTensor(contentTypes.bytes, body, image)).toBe(body);
  });

  it('with BOOL as true and false', () => {
    const flags: TensorMetadata = { name: 'flags', datatype: 'BOOL', shape: [-1, 2] };
    const body = json({ inputs: [{ name: 'flags', shape: [1, 2], datatype: 'BOOL', data: [true, false] }] });
    expect([...decodeTensor(contentTypes.json, body, flags)]).toEqual([1, 0]);
  });
});

describe('a body that is no row of the model is refused with a sentence that names what is wrong', () => {
  const cases: [string, string, unknown, ErrorCode, RegExp][] = [
    ['no inputs', contentTypes.json, { outputs: [] }, 'malformed_body', /"inputs"/],
    ['a list', contentTypes.json, [1, 2], 'malformed_body', /not an object/],
    ['null', contentTypes.json, null, 'malformed_body', /not an object/],
    ['an empty list of inputs', contentTypes.json, { inputs: [] }, 'wrong_input', /"image" is missing.*none/],
    ['another name', contentTypes.json, request({ name: 'img' }), 'wrong_input', /"image" is missing.*"img"/],
    ['a name that is no string', contentTypes.json, request({ name: 5 }), 'wrong_input', /one without a name/],
    [
      'one input too many',
      contentTypes.json,
      { inputs: [...request({}).inputs, { name: 'mask' }] },
      'wrong_input',
      /"image" alone, not "image", "mask"/,
    ],
    ['another datatype', contentTypes.json, request({ datatype: 'FP64' }), 'wrong_input', /"FP64".*must be FP32/],
    ['no datatype', contentTypes.json, request({ datatype: undefined }), 'wrong_input', /missing.*must be FP32/],
    ['two rows', contentTypes.json, request({ shape: [2, 2, 3] }), 'wrong_input', /\[2, 2, 3\].*\[1, 2, 3\]/],
    ['a shape that is no list', contentTypes.json, request({ shape: 6 }), 'wrong_input', /must be \[1, 2, 3\]/],
    ['too few elements', contentTypes.json, request({ data: [1, 2] }), 'wrong_input', /2 elements.*has 6/],
    ['too many elements', contentTypes.json, request({ data: Array(7).fill(0) }), 'wrong_input', /7 elements/],
    [
      'ragged rows',
      contentTypes.json,
      request({ data: [[[1, 2, 3], [4]]] }),
      'wrong_input',
      /1 elements in dimension 2/,
    ],
    [
      'nesting too deep',
      contentTypes.json,
      request({
        data: [
          [
            [1, 2, 3],
            [4, 5, [6]],
          ],
        ],
      }),
      'wrong_input',
      /Element 5/,
    ],
    ['a string', contentTypes.json, request({ data: [1, 2, '3', 4, 5, 6] }), 'wrong_input', /Element 2.*a string/],
    ['null among numbers', contentTypes.json, request({ data: [null, 2, 3, 4, 5, 6] }), 'wrong_input', /is null/],
    ['no data', contentTypes.json, request({ data: undefined }), 'wrong_input', /not an array/],
    ['a number beyond FP32', contentTypes.json, request({ data: [1e39, 2, 3, 4, 5, 6] }), 'wrong_input', /1e\+39/],
    ['NaN', contentTypes.msgpack, request({ data: [Number.NaN, 2, 3, 4, 5, 6] }), 'wrong_input', /NaN/],
    ['bytes too short', contentTypes.msgpack, request({ data: new Uint8Array(23) }), 'wrong_input', /23 bytes.*has 24/],
    ['bytes too long', contentTypes.msgpack, request({ data: new Uint8Array(25) }), 'oversized_body', /25 bytes/],
  ];
  it.each(cases)('%s in %s', (_what, contentType, value, code, sentence) => {
    const error = refusal(contentType, contentType === contentTypes.json ? json(value) : encode(value));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(sentence);
  });

  it.each([
    ['INT8', 128],
    ['INT8', -129],
    ['UINT8', -1],
    ['UINT8', 256],
    ['INT16', 1.5],
    ['INT32', 2_147_483_648],
    ['INT64', 2 ** 53],
    ['BOOL', 2],
  ] as const)('%s %d', (datatype, value) => {
    const body = json({ inputs: [{ name: 'image', shape: [1, 1], datatype, data: [value] }] });
    const error = refusal(contentTypes.json, body, { name: 'image', datatype, shape: [-1, 1] });
    expect(error.code).toBe('wrong_input');
    expect(error.message).toContain(`which is no ${datatype}`);
  });

  it('raw bytes of another length', () => {
    expect(refusal(contentTypes.bytes, new Uint8Array(0)).code).toBe('empty_body');
    expect(refusal(contentTypes.bytes, new Uint8Array(23)).code).toBe('wrong_input');
    expect(refusal(contentTypes.bytes, new Uint8Array(48)).code).toBe('oversized_body');
  });

  it('text that is not JSON in UTF-8, or is nested without end', () => {
    expect(refusal(contentTypes.json, new Uint8Array([0xff, 0xfe])).code).toBe('malformed_body');
    expect(refusal(contentTypes.json, Buffer.from('[NaN]')).code).toBe('malformed_body');
    expect(refusal(contentTypes.json, Buffer.alloc(1_000_000, '[')).code).toBe('malformed_body');
    expect(refusal(contentTypes.msgpack, Buffer.alloc(1_000_000, 0x91)).code).toBe('malformed_body');
  });

  it('names from outside without control characters and cut short', () => {
    const error = refusal(contentTypes.json, json(request({ name: `a\r\nb${'x'.repeat(10_000)}` })));
    expect(error.message).toMatch(/^\P{Cc}{1,300}$/u);
  });
});

describe('any bytes', () => {
  const anyType = fc.constantFrom(...Object.values(contentTypes), 'text/plain', '');

  it('are decoded to one row, or refused by a coded error', () => {
    fc.assert(
      fc.property(anyType, fc.uint8Array({ maxLength: 200 }), metadataOf, (contentType, body, metadata) => {
        try {
          expect(decodeTensor(contentType, body, metadata)).toHaveLength(rowBytes(metadata));
        } catch (error) {
          expect(error).toBeInstanceOf(SlacklineError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('as any JSON and any msgpack value too', () => {
    const value = fc.oneof(
      fc.anything(),
      fc.record({ inputs: fc.anything() }),
      fc.anything().map((data) => request({ data })),
    );
    fc.assert(
      fc.property(fc.jsonValue(), value, (plain, anything) => {
        const bodies: [string, Uint8Array][] = [[contentTypes.json, json(plain)]];
        try {
          bodies.push([contentTypes.msgpack, encode(anything)]);
        } catch {
          // Not everything can be written as msgpack.
        }
        for (const [contentType, body] of bodies) expect(refusal(contentType, body)).toBeInstanceOf(SlacklineError);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the content type', () => {
  it('is raw bytes by default, and read as HTTP does', () => {
    expect(contentTypeOf(undefined)).toBe(contentTypes.bytes);
    expect(contentTypeOf('application/json')).toBe(contentTypes.json);
    expect(contentTypeOf('Application/JSON; charset=utf-8')).toBe(contentTypes.json);
  });

  it.each(['text/plain', '', 'application/jsonx', 'application/x-msgpack'])('%j is refused', (header) => {
    expect(() => contentTypeOf(header)).toThrow(expect.objectContaining({ code: 'unsupported_content_type' }));
  });
});

it('memory of a typed array is seen as bytes without a copy', () => {
  const values = new Float32Array([1, 2, 3]).subarray(1);
  expect(bytesOf(values).buffer).toBe(values.buffer);
  expect(bytesOf(values)).toHaveLength(8);
});
