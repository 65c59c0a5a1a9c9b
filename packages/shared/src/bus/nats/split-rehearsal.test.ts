import { describe, expect, it } from 'vitest';
import { rehearseSplits } from './split-rehearsal.js';

function connectionWith(state: number) {
  const pieces: string[] = [];
  const parse = (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes).toString());
  return { pieces, connection: { protocol: { parser: { state, parse } } } };
}

describe('the rehearsal of split messages', () => {
  it('cuts messages with and without headers and reply at every byte, and leaves none unfinished', () => {
    const { pieces, connection } = connectionWith(0);
    rehearseSplits(connection);
    const whole = new Map<string, Set<number>>();
    for (let i = 0; i < pieces.length; i += 2) {
      const [head = '', tail = ''] = pieces.slice(i, i + 2);
      const cuts = whole.get(head + tail) ?? new Set();
      whole.set(head + tail, cuts.add(head.length));
    }
    expect([...whole.keys()].map((frame) => frame.split(' ')[0])).toEqual(['MSG', 'MSG', 'HMSG', 'HMSG']);
    for (const [frame, cuts] of whole) {
      expect(frame.endsWith('\r\n')).toBe(true);
      expect(cuts.size).toBe(frame.length);
    }
  });

  it('leaves a client alone that is within a message, or made otherwise', () => {
    const { pieces, connection } = connectionWith(3);
    rehearseSplits(connection);
    expect(pieces).toEqual([]);
    expect(() => rehearseSplits({})).not.toThrow();
  });
});
