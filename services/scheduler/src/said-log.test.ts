import { HeaderLines } from '@slackline/shared';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SaidLog } from './said-log.js';

const messages = fc.array(
  fc.record({
    key: fc.oneof(fc.constantFrom('a', 'b', 'ä b'), fc.string({ maxLength: 40, unit: 'grapheme' })),
    header: fc.string({ maxLength: 30, unit: 'grapheme' }).filter((text) => !/[\r\n\0]/.test(text)),
    // Some fill a block.
    bytes: fc.oneof(fc.nat(500), fc.constantFrom(0, 100_000, 262_144, 300_000)),
    looks: fc.boolean(),
  }),
  { maxLength: 40 },
);

it('finds the last message of every key as it was said, whenever it is looked for', () => {
  fc.assert(
    fc.property(messages, (all) => {
      const log = new SaidLog();
      const last = new Map<string, { headers: HeaderLines; data: Uint8Array }>();
      all.forEach(({ key, header, bytes, looks }, i) => {
        const message = { headers: HeaderLines.of({ Name: header }), data: new Uint8Array(bytes).fill(i) };
        log.add(key, message);
        last.set(key, message);
        if (looks) expect(log.find(key)?.data).toHaveLength(bytes);
      });
      for (const [key, { headers, data }] of last) {
        const found = log.find(key);
        expect(found?.headers).toEqual(headers);
        expect(Buffer.compare(found?.data ?? Buffer.alloc(1), data)).toBe(0);
      }
      expect(log.find('never said')).toBeUndefined();
      expect(log.bytes > 0).toBe(all.length > 0);
    }),
    { numRuns: 50 },
  );
});
