import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gather, scatter } from './gathered.js';

it('gives back every part, empty ones too, from one buffer that holds nothing else', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), (parts) => {
      const gathered = gather(parts);
      expect(scatter(gathered).map((part) => [...part])).toEqual(parts.map((part) => [...part]));
      expect(gathered.bytes.buffer.byteLength).toBe(parts.reduce((sum, part) => sum + part.length, 0));
    }),
  );
});
