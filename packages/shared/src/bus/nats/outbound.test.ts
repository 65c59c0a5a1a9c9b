/** What is written, against the bytes that should lie on the wire. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { NatsConnection } from './client.js';
import { Outbound } from './outbound.js';

/** A connection of the client, as far as Outbound looks at it. */
function connection() {
  const sent: Uint8Array[] = [];
  const own: Uint8Array[] = [Buffer.from('CONNECT {}\r\n')];
  const protocol = {
    outbound: {
      ...{ fill: () => {}, reset: () => {}, length: () => own.length, size: () => own.length },
      drain: () => own.pop() ?? new Uint8Array(0),
    },
    ...{ outMsgs: 0, outBytes: 0, connected: true, infoReceived: true, isClosed: () => false, flushPending: () => {} },
    info: { max_payload: 1_000_000, headers: true },
    transport: { send: (bytes: Uint8Array) => sent.push(bytes) },
  };
  const outbound = Outbound.of({ protocol } as unknown as NatsConnection);
  if (outbound === undefined) throw new Error('the connection is not taken for one');
  // Copied only here: what was handed over must still be what it was when all is written.
  return { outbound, protocol, wire: () => Buffer.concat(sent).toString('latin1') };
}

const body = fc.oneof(fc.nat(300), fc.constantFrom(0, 16_383, 16_384, 65_536, 200_000));
const subject = fc.stringMatching(/^[a-z]{1,10}(\.[a-z]{1,10}){0,3}$/);
const action = fc.oneof(
  fc.record({
    kind: fc.constant('publish' as const),
    subject,
    reply: fc.option(subject),
    lines: fc.nat(40),
    bytes: body,
  }),
  fc.record({ kind: fc.constant('ack' as const), subject }),
  fc.record({ kind: fc.constant('client' as const), bytes: body }),
  fc.record({ kind: fc.constantFrom('send' as const, 'away' as const, 'back' as const) }),
);

it('everything lies on the wire whole and in its order, whatever is written, sent and away', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const { outbound, protocol, wire } = connection();
      let expected = 'CONNECT {}\r\n';
      actions.forEach((each, i) => {
        const fill = (bytes: number) => Buffer.alloc(bytes, 65 + (i % 26));
        if (each.kind === 'publish') {
          const headers = 'Name: value\r\n'.repeat(each.lines);
          const data = fill(each.bytes);
          expect(outbound.publish(each.subject, each.reply ?? undefined, headers, data)).toBe(true);
          const to = each.reply === null ? each.subject : `${each.subject} ${each.reply}`;
          const block = headers === '' ? '' : `NATS/1.0\r\n${headers}\r\n`;
          const head =
            headers === '' ? `PUB ${to} ${data.length}` : `HPUB ${to} ${block.length} ${block.length + data.length}`;
          expected += `${head}\r\n${block}${data.toString('latin1')}\r\n`;
        } else if (each.kind === 'ack') {
          expect(outbound.ack(Buffer.from(each.subject))).toBe(true);
          expected += `PUB ${each.subject} 4\r\n+ACK\r\n`;
        } else if (each.kind === 'client') {
          outbound.fill(Buffer.from('PING\r\n'), fill(each.bytes));
          expected += `PING\r\n${fill(each.bytes).toString('latin1')}`;
        } else if (each.kind === 'send') outbound.send();
        else protocol.connected = each.kind === 'back';
      });
      protocol.connected = true;
      outbound.send();
      expect(wire()).toBe(expected);
      expect([outbound.size(), outbound.drain().length]).toEqual([0, 0]);
    }),
    { numRuns: 200 },
  );
});

it('what a broken connection had not sent is gone, and what comes then begins anew', () => {
  const { outbound, protocol, wire } = connection();
  outbound.send();
  protocol.connected = false;
  outbound.publish('lost', undefined, '', Buffer.from('lost'));
  outbound.reset();
  protocol.connected = true;
  outbound.publish('kept', undefined, '', Buffer.from('kept'));
  outbound.send();
  expect(wire()).toBe('CONNECT {}\r\nPUB kept 4\r\nkept\r\n');
});

it('leaves to the client what it does not take: too large, no subject, words that would end the command', () => {
  const { outbound, protocol } = connection();
  const publish = (to: string, reply?: string, bytes = 1) => outbound.publish(to, reply, '', new Uint8Array(bytes));
  expect([publish(''), publish('a b'), publish('a\r\nb'), publish('ä'), publish('a', 'b c')]).toEqual(
    Array(5).fill(false),
  );
  expect([publish('a', undefined, 1_000_001), publish('a', undefined, 1_000_000)]).toEqual([false, true]);
  protocol.isClosed = () => true;
  expect(publish('a')).toBe(false);
});
