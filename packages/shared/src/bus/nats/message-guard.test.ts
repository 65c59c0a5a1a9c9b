import { expect, it } from 'vitest';
import { guardMessages } from './message-guard.js';

const plain = (text: string) => new TextEncoder().encode(text);

it('gives Buffers to whoever is behind it, whichever part of a message came in two pieces', () => {
  const heard: unknown[] = [];
  const protocol = {
    processMsg: ({ subject, reply }: { subject: Uint8Array; reply?: Uint8Array; hdr: number }, data: Uint8Array) => {
      heard.push([subject, reply, data].map((part) => part && [Buffer.isBuffer(part), Buffer.from(part).toString()]));
    },
  };
  guardMessages({ protocol });
  protocol.processMsg({ subject: plain('a'), reply: plain('r'), hdr: -1 }, plain('x'));
  protocol.processMsg({ subject: plain('b'), hdr: -1 }, Buffer.from('y'));
  expect(heard).toEqual([
    [
      [true, 'a'],
      [true, 'r'],
      [true, 'x'],
    ],
    [[true, 'b'], undefined, [true, 'y']],
  ]);
});
