import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBatchDone } from './batch-done.js';
import { encode } from './codec.js';
import { type BatchDone, batchDone, unpack } from './messages.js';

const good: BatchDone = {
  v: 1,
  workerId: 'w-1',
  epoch: 'e',
  token: 3,
  batchId: '3-17',
  answers: [{ outputs: Uint8Array.of(1, 2) }, { outputs: new Uint8Array(0) }],
  actuationMs: 0,
  inferenceMs: 1.5,
  heldMs: 2,
  waitedMs: 0.5,
  freeSlots: 1,
};

/** Values that stand in for a field: some are right for it, most are not. */
const anything = fc.oneof(
  fc.constantFrom<unknown>(0, 1, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '', 'x', 'a b', null, true),
  fc.constantFrom<unknown>([], {}, [{ error: 'no' }], [{ outputs: 'text' }], [{ outputs: Uint8Array.of(1), more: 1 }]),
  fc.constantFrom<unknown>({ refused: 'unavailable', message: 'm' }, 'x'.repeat(257), 'x'.repeat(81)),
);

function outcomeOf(read: () => BatchDone): unknown {
  try {
    return read();
  } catch (error) {
    return String(error);
  }
}

describe('the end of a batch', () => {
  it('is read as the schema reads it, right or wrong', () => {
    const field = fc.constantFrom(...Object.keys(good), 'more');
    fc.assert(
      fc.property(fc.array(fc.tuple(field, anything), { maxLength: 3 }), (changes) => {
        const data = encode({ ...good, ...Object.fromEntries(changes) });
        expect(outcomeOf(() => readBatchDone(data))).toEqual(outcomeOf(() => unpack('batches.done', batchDone, data)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('that is no msgpack, or no object, is refused as such', () => {
    for (const data of [new Uint8Array(0), Uint8Array.of(0xc1), encode(7), encode(null), encode('text')]) {
      expect(() => readBatchDone(data)).toThrow(expect.objectContaining({ code: 'bad_message' }));
    }
  });
});
