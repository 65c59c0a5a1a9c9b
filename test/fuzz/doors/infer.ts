/** The producers' door: `infer.<model>`. Everything with an inbox is answered; what aims elsewhere is not. */
import { encode } from '@slackline/shared';
import type { Random } from '../../harness/random.js';
import { bomb, damaged, headerText, json, mutated, oddNumber, oddText } from '../garbage.js';
import { block, hostileBlock, oddHeaders } from '../header-blocks.js';
import type { Door, Facts, Frame, Input } from '../input.js';

type Headers = [string, string][];

/** So much time at most, so that the end of the campaign need not be waited for long. */
const someSlo = (random: Random): [string, string] => ['Slo-Ms', String(random.int(20, 2_000))];

const request = (facts: Facts, data: unknown = [...new Float32Array(facts.row.slice().buffer)]) => ({
  inputs: [{ name: 'x', shape: [1, facts.row.length / 4], datatype: 'FP32', data }],
});

function asked(
  kind: string,
  facts: Facts,
  headers: Headers,
  data: Uint8Array,
  subject = `infer.${facts.model}`,
): Input {
  return { kind, frames: [{ subject, data, headers: block(headers), reply: 'inbox' }], answer: 'must' };
}

export const inferBodies: Door = {
  name: 'infer.* bodies',
  weight: 20,
  rule: 'answered with a code, or accepted and then with an outcome',
  draw(random, facts) {
    const isJson = random.chance(0.5);
    const headers: Headers = [someSlo(random), ['Content-Type', isJson ? 'application/json' : 'application/msgpack']];
    const written = (value: unknown) => (isJson ? json(value) : encode(value));
    return random.pick([
      () => asked('mutated request', facts, headers, written(mutated(request(facts), random))),
      () => asked('mutated request', facts, headers, written(mutated(request(facts), random))),
      () => asked('damaged bytes', facts, headers, damaged(written(request(facts)), random, facts.maxPayloadBytes)),
      () => asked('bomb', facts, headers, bomb(random, facts.maxPayloadBytes - 4_096)),
      () => asked('wrong elements', facts, headers, written(request(facts, elements(random, facts)))),
      () => asked('parameters', facts, headers, written({ ...request(facts), parameters: parameters(random) })),
      () => asked('raw of any size', facts, [someSlo(random)], rawBody(random, facts)),
      () => asked('raw NaN and infinities', facts, [someSlo(random)], notFinite(random, facts)),
      () => asked('good', facts, [someSlo(random)], facts.row),
    ])();
  },
};

function elements(random: Random, { row }: Facts): unknown {
  const size = row.length / 4;
  const flat = Array.from({ length: random.chance(0.7) ? size : random.size(3_000) }, () => oddNumber(random));
  return random.pick<() => unknown>([
    () => flat,
    () => [flat],
    () => [[flat]],
    () => flat.map(String),
    () => flat.map((element) => [element]),
    () => random.bytes(random.chance(0.5) ? row.length : random.size(200)),
    () => oddText(random),
  ])();
}

const parameters = (random: Random) =>
  random.chance(0.3)
    ? oddText(random)
    : { min_accuracy: random.chance(0.7) ? oddNumber(random) : oddText(random), priority: oddNumber(random) };

function rawBody(random: Random, { row, maxPayloadBytes }: Facts): Uint8Array {
  const room = maxPayloadBytes - 4_096;
  return random.bytes(
    random.pick([0, 1, row.length - 1, row.length + 1, random.size(4_000), random.chance(0.05) ? room : 5]),
  );
}

/** Good in form: NaN and infinities are numbers of IEEE 754, and raw bytes are not looked into. */
function notFinite(random: Random, { row }: Facts): Uint8Array {
  const values = Float32Array.from({ length: row.length / 4 }, () =>
    random.pick([Number.NaN, Infinity, -Infinity, -0, 1e38]),
  );
  return new Uint8Array(values.buffer);
}

export const inferHeaders: Door = {
  name: 'infer.* headers',
  weight: 20,
  rule: 'answered with a code, or accepted and then with an outcome',
  draw(random, facts) {
    const frame = (headers: Uint8Array): Frame => ({
      subject: `infer.${facts.model}`,
      data: facts.row,
      headers,
      reply: 'inbox',
    });
    const of = (kind: string, headers: Uint8Array): Input => ({ kind, frames: [frame(headers)], answer: 'must' });
    // A query may be given a minute; the campaign shall not take one longer for it: they are served at once.
    return random.pick([
      () => of('odd values', block(oddHeaders(random))),
      () => of('odd deadline', block([[random.pick(['Slo-Ms', 'Deadline']), headerText(random)]])),
      () => of('far deadline', block([['Deadline', String(Date.now() + 10 ** random.int(0, 14))]])),
      () => of('both limits', block([someSlo(random), ['Deadline', String(Date.now())]])),
      () => of('odd minimum', block([someSlo(random), ['Min-Accuracy', headerText(random)]])),
      () => of('odd priority', block([someSlo(random), ['Priority', headerText(random)]])),
      () =>
        of(
          'odd names',
          block([someSlo(random), [random.pick(['Query-Id', 'Result-Key', 'Root-Id', 'Stage']), headerText(random)]]),
        ),
      () => of('an id used before', block([someSlo(random), ['Query-Id', `again-${random.int(0, 9)}`]])),
      () => of('hostile block', hostileBlock(random, facts.maxPayloadBytes - 8_192)),
    ])();
  },
};

/** Where an answer must never go. */
const forbidden = [
  ...[
    '$JS.API.STREAM.DELETE.QUERIES',
    '$JS.API.STREAM.PURGE.QUERIES',
    '$SYS.REQ.SERVER.PING',
    '$SRV.PING',
    '$KV.leader.x',
  ],
  ...[
    'queries.fuzz',
    'queries.x.y',
    'workers.available',
    'workers.gpu-worker-0.batch',
    'batches.done',
    'results.fuzz.k',
  ],
  ...[
    'infer.fuzz',
    'telemetry.scheduler',
    'profiler.remove',
    'clock',
    '_INBOX',
    '_INBOXES.x',
    '_inbox.x',
    'bank.transfer',
  ],
];

export const inferReplies: Door = {
  name: 'infer.* replies',
  weight: 8,
  rule: 'never answered: `forbidden_reply` is counted and logged; without a reply subject the answer is stored',
  draw(random, facts) {
    const headers = block([someSlo(random), ...oddHeaders(random, ['Result-Key', 'Query-Id', 'Reply-To', 'Outcome'])]);
    const subject = `infer.${facts.model}`;
    const frame: Frame = { subject, headers, data: random.chance(0.7) ? facts.row : random.bytes(random.size(50)) };
    if (random.chance(0.2)) return { kind: 'no reply subject', frames: [frame], answer: 'never' };
    if (facts.inboxes.length > 0 && random.chance(0.3)) {
      return {
        kind: 'the inbox of another',
        frames: [{ ...frame, reply: random.pick(facts.inboxes) }],
        answer: 'never',
      };
    }
    return { kind: 'a subject of the system', frames: [{ ...frame, reply: random.pick(forbidden) }], answer: 'never' };
  },
};

export const inferModels: Door = {
  name: 'infer.* models',
  weight: 5,
  rule: '`unknown_model`, or what the model of a poisoned catalog entry refuses; silence where nobody listens',
  draw(random, facts) {
    const names = [
      'nobody',
      '__proto__',
      'constructor',
      'x'.repeat(200),
      'p0',
      'p1',
      'p2',
      'p3',
      'MODEL',
      'a-b_c',
      'm\u00e9',
    ];
    const input = asked(
      'a model',
      facts,
      [['Slo-Ms', String(random.int(20, 500))]],
      facts.row,
      `infer.${random.pick(names)}`,
    );
    if (random.chance(0.8)) return input;
    const subject = random.pick(['infer', 'infer.', 'infer.a.b', 'infer.*', 'infer.>', 'Infer.fuzz']);
    return { kind: 'a subject that is none', frames: [{ subject, data: facts.row }], answer: 'never' };
  },
};
