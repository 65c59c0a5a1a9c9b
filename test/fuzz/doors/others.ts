/** The profiler's requests, the services' own word, other people's inboxes, and bytes that are no protocol. */
import { encode } from '@slackline/shared';
import type { Random } from '../../harness/random.js';
import { bomb, headerText, oddText } from '../garbage.js';
import { block, hostileBlock } from '../header-blocks.js';
import type { Door, Facts, Frame } from '../input.js';
import { hostile } from './workers.js';

const fileOf = (random: Random) => ({
  digest: random.int(0, 9).toString().repeat(64),
  bytes: random.pick([0, 1, 100, 2 ** 31, 2 ** 53]),
});

function profilerRequest(random: Random, facts: Facts): { subject: string; message: Record<string, unknown> } {
  // Never the served model's own name: to remove it is a right of whoever may ask.
  const name = random.pick(['nothing', '', 'a b', '../x', '__proto__', 'x'.repeat(500), 'fuzz2', oddText(random)]);
  return random.pick([
    () => ({ subject: 'profiler.remove', message: { v: 1, name } }),
    () => ({
      subject: 'profiler.measure',
      message: { v: 1, name: random.pick([name, facts.model]), deviceClass: oddText(random) },
    }),
    () => {
      const files = { onnx: fileOf(random), spec: fileOf(random), images: fileOf(random), labels: fileOf(random) };
      const options = { quick: true, seed: 1, front: random.pick([2, 4_096, 1e9]) };
      return {
        subject: 'profiler.submit',
        message: { v: 1, name, sloMs: random.pick([100, 1e308, -1]), files, options },
      };
    },
  ])();
}

export const profiler: Door = {
  name: 'profiler.*',
  weight: 6,
  rule: 'answered with a code; not at all where the reply subject is no inbox',
  draw(random, facts) {
    const { subject, message } = profilerRequest(random, facts);
    const asIs = random.chance(0.4);
    const { kind, data } = asIs ? { kind: 'well-formed', data: encode(message) } : hostile(message, random, facts);
    const reply = random.chance(0.85)
      ? 'inbox'
      : random.pick(['$JS.API.STREAM.PURGE.QUERIES', 'queries.x', 'workers.available']);
    const headers = random.chance(0.85) ? undefined : hostileBlock(random, 40_000);
    const frame: Frame = { subject, data, reply, ...(headers !== undefined && { headers }) };
    return {
      kind: `${subject.slice('profiler.'.length)}, ${kind}`,
      frames: [frame],
      answer: reply === 'inbox' ? 'must' : 'never',
    };
  },
};

export const services: Door = {
  name: '$SRV.*, clock, results',
  weight: 3,
  rule: '$SRV is answered as the services protocol says; the others are data that nobody waits for',
  draw(random) {
    const verb = random.pick(['PING', 'INFO', 'STATS', 'SCHEMA', 'NONE']);
    const name = random.pick(['', '.slackline-ingest', '.slackline-scheduler', '.nobody', '.slackline-worker.nobody']);
    const data = random.bytes(random.size(500));
    return random.pick([
      () => ({
        kind: 'a service',
        frames: [{ subject: `$SRV.${verb}${name}`, data, reply: 'inbox' }],
        answer: 'may' as const,
      }),
      () => ({
        kind: 'a clock reading',
        frames: [{ subject: 'clock', data, headers: block([['Nats-Msg-Id', headerText(random)]]) }],
        answer: 'never' as const,
      }),
      () => ({
        kind: 'a result',
        frames: [
          {
            subject: `results.fuzz.${random.pick(['k', 'a.b', '__proto__'])}`,
            data,
            headers: hostileBlock(random, 40_000),
          },
        ],
        answer: 'never' as const,
      }),
    ])();
  },
};

export const inboxes: Door = {
  name: 'inboxes of others',
  weight: 6,
  rule: 'no answer is due: a producer takes only what can be an answer to a query of its own',
  draw(random, facts) {
    const outcome = random.pick(['ok', 'late', 'expired', 'failed', 'refused', 'NaN', '']);
    const forged = block([
      ['Outcome', outcome],
      ['Query-Id', headerText(random)],
      ['Accuracy', headerText(random)],
      ['Content-Type', random.pick(['application/json', 'application/msgpack', 'application/octet-stream', 'x'])],
      ...(random.chance(0.3) ? [['Error-Code', headerText(random)] as const] : []),
    ]);
    const headers = random.chance(0.6) ? forged : hostileBlock(random, 60_000);
    const data = random.pick([
      () => new Uint8Array(0),
      () => random.bytes(random.size(100)),
      () => bomb(random, 60_000),
    ])();
    const subject = facts.inboxes.length === 0 ? '_INBOX.nobody' : random.pick(facts.inboxes);
    return { kind: 'forged answer', frames: [{ subject, headers, data }], answer: 'never' };
  },
};

/** Frames that break the protocol of NATS: the broker ends that connection, and nobody else's. */
export const wire: Door = {
  name: 'the wire itself',
  weight: 0.8,
  rule: 'the broker ends the connection; a body above max_payload too',
  draw(random, { maxPayloadBytes }) {
    const tenMegabytes = 10 * 1024 * 1024;
    const text = (kind: string, bytes: string | Uint8Array) => ({
      kind,
      frames: [],
      wire: Buffer.from(bytes),
      answer: 'never' as const,
    });
    return random.pick([
      () => text('random bytes', random.bytes(random.int(1, 2_000))),
      () => text('unknown verb', 'DELETE everything\r\n'),
      () => text('a length that is negative', 'PUB infer.fuzz -5\r\nhello\r\n'),
      () => text('a length that is none', 'PUB infer.fuzz NaN\r\n'),
      () => text('a length above the body', 'PUB infer.fuzz 10\r\nab\r\nPING\r\n'),
      () => text('headers longer than the message', 'HPUB infer.fuzz 100 10\r\nNATS/1.0\r\n\r\n'),
      () => text('a control line without end', Buffer.alloc(random.int(5_000, 100_000), 'A')),
      () => text('a subject of spaces', 'PUB  \r\n\r\n'),
      () => text('half a message', 'PUB infer.fuzz 16\r\nab'),
      () =>
        random.chance(0.2)
          ? text(
              '10 MB',
              Buffer.concat([Buffer.from(`PUB infer.fuzz ${tenMegabytes}\r\n`), Buffer.alloc(tenMegabytes)]),
            )
          : text('announced 10 MB', `PUB infer.fuzz ${maxPayloadBytes + 1}\r\n`),
    ])();
  },
};
