/** Buckets and object stores, written to past the services that own them. */

import type { Random } from '../../harness/random.js';
import { json, mutated, oddNumber, oddText } from '../garbage.js';
import { hostileBlock } from '../header-blocks.js';
import type { Door, Facts, Frame, Input } from '../input.js';

const entryOf = (name: string, random: Random) => ({
  v: 1,
  name,
  digest: random.int(0, 9).toString().repeat(64),
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, random.pick([4, 0, -1, 2 ** 31, 2 ** 53 - 1])] }],
  outputs: [{ name: 'y', datatype: random.pick(['FP32', 'INT64', 'BOOL']), shape: [-1, random.pick([3, 2 ** 40])] }],
  sloMs: random.pick([500, 1_000, 1e308, 1e-9]),
  subnets: [{ id: random.pick(['small', '__proto__', '']), accuracy: random.pick([0.5, 1]) }],
});

const times = [
  ...[[1, 2, 4], [4, 2, 1], [0, 0, 0], [-1, 1, 2], [1e308, 1e308, 1e308], [5e-324, 5e-324, 5e-324], [1], [1, 2, 3, 4]],
  ...[
    [null, 1, 2],
    ['1', '2', '4'],
    [Number.NaN, 1, 2],
  ],
];

const profileOf = (model: string, deviceClass: string, random: Random) => ({
  v: 1,
  model,
  digest: random.int(0, 9).toString().repeat(64),
  deviceClass,
  executor: 'emulated',
  concurrency: 1,
  measuredAt: 'yesterday',
  batches: random.pick<number[]>([[1, 2, 4], [4, 2, 1], [2, 4, 8], [1, 1, 1], [1, 2, 2 ** 53], []]),
  subnets: ['small', 'large'].map((id) => ({
    id,
    accuracy: random.pick([0.5, 0.9, 2, -1]),
    p50Ms: random.pick<unknown[]>(times),
    p99Ms: random.pick<unknown[]>(times),
    loadMs: random.pick([0, -1, 1e308]),
  })),
});

/** Text of a value that is nearly right, or none. JSON writes NaN and infinities as null; other writers may not. */
function valueText(value: unknown, random: Random): Uint8Array {
  return random.pick<() => Uint8Array>([
    () => json(value),
    () => json(mutated(value, random)),
    () => json(mutated(value, random)),
    () => Buffer.from(JSON.stringify(value).replaceAll('null', 'NaN').replaceAll('0.9', '1e999')),
    () => json(value).subarray(0, random.int(0, 100)),
    () => random.bytes(random.size(300)),
    () => Buffer.alloc(random.int(1, 20_000), '['),
    () => Buffer.from('{"__proto__":{"v":1},"constructor":{"prototype":{"v":1}}}'),
    () => new Uint8Array(0),
  ])();
}

const kvInput = (kind: string, subject: string, data: Uint8Array, headers?: Uint8Array): Input => {
  const frame: Frame = { subject, data, ...(headers !== undefined && { headers }) };
  return { kind, frames: [frame], answer: 'never' };
};

const headersOf = (random: Random) =>
  random.chance(0.85)
    ? undefined
    : random.chance(0.3)
      ? Buffer.from('NATS/1.0\r\nKV-Operation: DEL\r\n\r\n')
      : kvBlock(random);

/** A rollup of all would empty the bucket: whoever may write there may do that, and nothing is to be found out by it. */
function kvBlock(random: Random): Uint8Array {
  const block = hostileBlock(random, 60_000);
  return Buffer.from(block).includes('Nats-Rollup') ? Buffer.from('NATS/1.0 409 Consumer Deleted\r\n\r\n') : block;
}

export const profiles: Door = {
  name: 'KV profiles',
  weight: 8,
  rule: 'no answer is due: an entry that cannot be used is passed over, what was there before stands',
  draw(random, facts) {
    const name = `p${random.int(0, 3)}`;
    const key = (text: string) => `$KV.profiles.${text}`;
    const headers = headersOf(random);
    return random.pick([
      () => kvInput('model', key(`model.${name}`), valueText(entryOf(name, random), random), headers),
      () => kvInput('candidate', key(`candidate.${name}`), valueText(entryOf(name, random), random), headers),
      () =>
        kvInput(
          'latency',
          key(`latency.${name}.${facts.deviceClass}`),
          valueText(profileOf(name, facts.deviceClass, random), random),
          headers,
        ),
      () =>
        kvInput(
          'latency of the served model, unusable',
          key(`latency.${facts.model}.${facts.deviceClass}`),
          unusable(random, facts),
        ),
      () =>
        kvInput('model that is served, unusable', key(`model.${facts.model}`), json({ ...entryOf('other', random) })),
      () =>
        kvInput(
          'latency with a longer key',
          key(`latency.${facts.model}.${facts.deviceClass}.x`),
          valueText(profileOf(facts.model, facts.deviceClass, random), random),
        ),
      () =>
        kvInput(
          'latency of any class',
          key(`latency.${facts.model}.c${random.int(0, 50)}`),
          valueText(profileOf(facts.model, 'c1', random), random),
          headers,
        ),
      () =>
        kvInput(
          'deleted again',
          key(`model.gone${random.int(0, 2_000)}`),
          new Uint8Array(0),
          Buffer.from('NATS/1.0\r\nKV-Operation: DEL\r\n\r\n'),
        ),
      () =>
        kvInput(
          'any key',
          key(
            random
              .pick(['x', 'model', 'model.', 'model.a.b', 'latency', 'latency.a', 'é', '__proto__', 'a=b', '-'])
              .replace(/\.$/, ''),
          ),
          random.bytes(20),
        ),
    ])();
  },
};

/** Something that is not a profile of the served model, so that the present one must stand. */
function unusable(random: Random, facts: Facts): Uint8Array {
  const profile = profileOf(facts.model, facts.deviceClass, random);
  return random.pick<() => Uint8Array>([
    () =>
      json({
        ...profile,
        digest: facts.digest,
        batches: [1],
        subnets: [{ id: 'small', accuracy: 0.5, p50Ms: [-1], p99Ms: [1] }],
      }),
    () =>
      json({
        ...profile,
        digest: facts.digest,
        batches: [1, 2],
        subnets: [{ id: 'small', accuracy: 0.5, p50Ms: [2, 1], p99Ms: [2, 1] }],
      }),
    () =>
      json({
        ...profile,
        digest: facts.digest,
        batches: [1, 2],
        subnets: [{ id: 'small', accuracy: 0.5, p50Ms: [1], p99Ms: [1] }],
      }),
    () =>
      json({
        ...profile,
        model: 'other',
        digest: facts.digest,
        batches: [1],
        subnets: [{ id: 'small', accuracy: 0.5, p50Ms: [900], p99Ms: [900] }],
      }),
    () => Buffer.from('NaN'),
    () => json({ ...profile, v: 2 }),
  ])();
}

export const lease: Door = {
  name: 'KV leader',
  weight: 0.15,
  rule: 'no answer is due: a lease that nobody renews runs out, whatever its token says',
  draw(random) {
    const token = random.pick([2 ** 53, 2 ** 53 - 1, 1e308, -1, 0, 0.5, null, '1', oddNumber(random)]);
    const value = random.pick<() => Uint8Array>([
      () => json({ scheduler: 'somebody', token }),
      () => json({ scheduler: '', token }),
      () => json(mutated({ scheduler: 'somebody', token: 1 }, random)),
      () => random.bytes(random.size(200)),
      () => new Uint8Array(0),
      () => Buffer.from('{"scheduler":"","token":1e999}'),
    ])();
    return { ...kvInput('a lease', '$KV.leader.scheduler', value, headersOf(random)), settlesMs: 0 };
  },
};

export const submissions: Door = {
  name: 'KV submissions, object stores',
  weight: 4,
  rule: 'no answer is due: read at the next start, or when asked for; what does not fit is removed or refused',
  draw(random) {
    const name = random.pick(['a', 'b', '__proto__', 'x.y', 'fuzz']);
    const record = {
      ...{ v: 1, name, digest: '1'.repeat(64), sloMs: 100, files: {}, options: {}, submittedAt: 'x' },
      ...{
        state: random.pick(['queued', 'running', 'failed', 'other']),
        stage: oddText(random),
        shareDone: 2,
        leftMs: -1,
      },
    };
    const object = {
      name: oddText(random),
      size: oddNumber(random),
      chunks: oddNumber(random),
      nuid: 'x',
      digest: 'SHA-256=x',
      bucket: 'b',
    };
    const meta = Buffer.from(random.bytes(8)).toString('base64url');
    return random.pick([
      () => kvInput('a record', `$KV.submissions.${name}`, valueText(record, random), headersOf(random)),
      () => kvInput('an object of submissions', `$O.submissions.M.${meta}`, valueText(object, random)),
      () => kvInput('an object of models', `$O.models.M.${meta}`, valueText(object, random)),
      () =>
        kvInput('a chunk', `$O.${random.pick(['models', 'submissions'])}.C.${meta}`, random.bytes(random.size(2_000))),
    ])();
  },
};
