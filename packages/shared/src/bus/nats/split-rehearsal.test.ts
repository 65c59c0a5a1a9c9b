import { describe, expect, it } from 'vitest';
import { rehearseSplits } from './split-rehearsal.js';

const pieces: string[] = [];
const dispatcher = {};

/** Notes what every parser of its class is given. */
class Noting {
  constructor(readonly dispatcher: object) {}

  parse(bytes: Uint8Array): void {
    pieces.push(Buffer.from(bytes).toString());
  }
}

/** As the protocol has it: how long the body is that is announced, and the header block in it. */
function isWhole(frame: string): boolean {
  const [command = '', ...rest] = frame.split('\r\n');
  const body = rest.join('\r\n').slice(0, -'\r\n'.length);
  const [kind, ...args] = command.split(' ');
  const sizes = args.slice(kind === 'HMSG' ? -2 : -1).map(Number);
  if (kind === 'MSG') return sizes[0] === body.length;
  return sizes[0] === body.indexOf('\r\n\r\n') + 4 && sizes[1] === body.length;
}

describe('the rehearsal of split messages', () => {
  it('cuts messages with and without headers and reply at every byte, and leaves none unfinished', () => {
    rehearseSplits({ protocol: { parser: new Noting(dispatcher) } });
    const whole = new Map<string, Set<number>>();
    for (let i = 0; i < pieces.length; i += 2) {
      const [head = '', tail = ''] = pieces.slice(i, i + 2);
      const cuts = whole.get(head + tail) ?? new Set();
      whole.set(head + tail, cuts.add(head.length));
    }
    expect([...whole.keys()].map((frame) => frame.split(' ')[0])).toEqual(['MSG', 'MSG', 'HMSG', 'HMSG']);
    expect([...whole.keys()].filter((frame) => !isWhole(frame))).toEqual([]);
    for (const [frame, cuts] of whole) expect(cuts.size).toBe(frame.length);
  });

  it('leaves a client alone that is made otherwise', () => {
    expect(() => rehearseSplits({})).not.toThrow();
    expect(() => rehearseSplits({ protocol: { parser: { dispatcher, parse: () => {} } } })).not.toThrow();
  });
});
