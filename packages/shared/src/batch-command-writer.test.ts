import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packBatchCommand } from './batch-command-writer.js';
import { type BatchCommand, batchCommand, unpack } from './messages.js';

const text = (maxLength: number) => fc.string({ maxLength, unit: 'grapheme' }).filter(({ length }) => length <= 256);
const count = fc.oneof(fc.nat(300), fc.constantFrom(127, 128, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER));
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 50 }),
  fc.constant(new Uint8Array(70_000).fill(9)),
  fc.constant(null),
);
const command = fc.record(
  {
    ...{ v: fc.constant(1 as const), token: count },
    ...{ batchId: text(90), epoch: text(60), model: text(12), subnet: text(200), digest: text(64) },
    queries: fc.array(fc.record({ id: text(100), contentType: text(30), payload: bodies, sequence: count }), {
      minLength: 1,
      maxLength: 20,
    }),
  },
  { requiredKeys: ['v', 'token', 'batchId', 'epoch', 'model', 'subnet', 'queries'] },
);

it('writes what the schema reads back, of any command', () => {
  fc.assert(
    fc.property(command, (given) => {
      const read = unpack('batch', batchCommand, packBatchCommand(given));
      const comparable = ({ queries, ...rest }: BatchCommand) => ({
        ...rest,
        queries: queries.map((query) => ({
          ...query,
          payload: query.payload && Buffer.from(query.payload).toString('hex'),
        })),
      });
      expect(comparable(read)).toEqual(comparable(given));
    }),
    { numRuns: 300 },
  );
});
