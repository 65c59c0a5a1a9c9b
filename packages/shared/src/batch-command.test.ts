import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBatchCommand } from './batch-command.js';
import { encode } from './codec.js';
import { type BatchCommand, batchCommand, mostQueriesOfBatch, unpack } from './messages.js';

const query = { id: 'q', contentType: 'application/octet-stream', payload: Uint8Array.of(1, 2), sequence: 9 };
const good: BatchCommand = {
  v: 1,
  batchId: '3-17',
  token: 3,
  epoch: 'e',
  model: 'm',
  digest: 'd',
  subnet: 's',
  queries: [query, { ...query, payload: null }],
};

/** Values that stand in for a field: some are right for it, most are not. */
const anything = fc.oneof(
  fc.constantFrom<unknown>(
    0,
    1,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    '',
    'x',
    null,
    true,
    undefined,
  ),
  fc.constantFrom<unknown>([], {}, [null], [query], [{ ...query, more: 1 }], ['x'], 'x'.repeat(256), 'x'.repeat(257)),
  fc.constantFrom<unknown>(Uint8Array.of(1), [1], new Array(mostQueriesOfBatch + 1).fill(query)),
);
const changes = (fields: string[]) => fc.array(fc.tuple(fc.constantFrom(...fields), anything), { maxLength: 3 });

function outcomeOf(read: () => BatchCommand): unknown {
  try {
    return read();
  } catch (error) {
    return String(error);
  }
}

describe('a batch command', () => {
  it('is read as the schema reads it, right or wrong', () => {
    const ofCommand = changes([...Object.keys(good), 'more']);
    const ofQuery = changes([...Object.keys(query), 'more']);
    fc.assert(
      fc.property(ofCommand, ofQuery, (command, part) => {
        const queries = [query, { ...query, ...Object.fromEntries(part) }];
        const data = encode({ ...good, queries, ...Object.fromEntries(command) });
        expect(outcomeOf(() => readBatchCommand(data))).toEqual(outcomeOf(() => unpack('batch', batchCommand, data)));
      }),
      { numRuns: 3_000 },
    );
  });

  it('may leave the version to the worker', () => {
    const { digest: _, ...without } = good;
    const { digest, model } = readBatchCommand(encode(without));
    expect([digest, model]).toEqual([undefined, 'm']);
  });

  it('is not copied: its bodies lie where they came in', () => {
    const data = encode(good);
    const [{ payload } = { payload: null }] = readBatchCommand(data).queries;
    expect(payload?.buffer).toBe(data.buffer);
  });

  it('that is no msgpack, or no object, is refused as such', () => {
    for (const data of [new Uint8Array(0), Uint8Array.of(0xc1), encode(7), encode(null), encode('text')]) {
      expect(() => readBatchCommand(data)).toThrow(expect.objectContaining({ code: 'bad_message' }));
    }
  });
});
