/** The stream behind ingest: whoever may publish to `queries.>` goes past every check, and must still hurt nobody else. */

import type { Random } from '../../harness/random.js';
import { headerText } from '../garbage.js';
import { block, hostileBlock, oddHeaders } from '../header-blocks.js';
import type { Door, Input } from '../input.js';

const stamped = (random: Random): [string, string][] => [
  ['Nats-Msg-Id', `poison-${random.int(0, 2 ** 40)}`],
  ['Budget-Ms', String(random.int(0, 2_000))],
  ['Reply-To', '_INBOX.nobody.there'],
  ['Content-Type', 'application/octet-stream'],
];

/** Reply subjects that a scheduler must not be talked into. */
const replies = [
  ...['$JS.API.STREAM.PURGE.QUERIES', '$SYS.REQ.SERVER.PING', '>', '*', 'a b', '', '.', 'a..b', '_INBOX.', 'x\ty'],
  ...['_INBOX.a\u0085b', 'x'.repeat(5_000), '_INBOX.nobody.there'],
];

export const stream: Door = {
  name: 'queries.> directly',
  weight: 12,
  rule: 'the stream takes what has a subject of its own; the scheduler drops and counts what ingest would not have written, the rest has outcomes',
  draw(random, facts) {
    const data = random.chance(0.6) ? facts.row : random.bytes(random.size(random.chance(0.98) ? 300 : 200_000));
    const models = [
      facts.model,
      facts.model,
      'nobody',
      '__proto__',
      'constructor',
      `m${random.int(0, 2 ** 30)}`,
      'a.b.c',
      `claim.${facts.model}`,
      'claim.nobody',
      'claim.a.b',
      'é',
    ];
    const subject = `queries.${random.pick(models)}`;
    const of = (kind: string, headers?: Uint8Array): Input => ({
      kind,
      frames: [{ subject, data, ...(headers !== undefined && { headers }) }],
      answer: 'never',
    });
    const changed = (name: string, value: string) =>
      block(stamped(random).map(([each, text]) => [each, each === name ? value : text]));
    return random.pick([
      () => of('no headers'),
      () => of('odd headers', block(oddHeaders(random))),
      () => of('odd id', changed('Nats-Msg-Id', headerText(random))),
      () => of('odd budget', changed('Budget-Ms', headerText(random))),
      () => of('odd reply', changed('Reply-To', random.pick(replies))),
      () => of('odd content type', changed('Content-Type', headerText(random))),
      () =>
        of(
          'lines in a value',
          Buffer.from(
            `NATS/1.0\r\nNats-Msg-Id: a\nb${random.int(0, 2 ** 40)}\r\nBudget-Ms: 100\r\nReply-To: _INBOX.x.y\r\n\r\n`,
          ),
        ),
      () =>
        of(
          'lines in a type',
          Buffer.from(
            `NATS/1.0\r\nNats-Msg-Id: n${random.int(0, 2 ** 40)}\r\nBudget-Ms: 100\r\nReply-To: _INBOX.x.y\r\nContent-Type: a\rb\r\n\r\n`,
          ),
        ),
      () =>
        of(
          'asks too much',
          block([...stamped(random), ['Min-Accuracy', headerText(random)], ['Priority', headerText(random)]]),
        ),
      () => of('hostile block', hostileBlock(random, Math.min(facts.maxPayloadBytes, 300_000))),
      () => of('as ingest writes', block(stamped(random))),
    ])();
  },
};
