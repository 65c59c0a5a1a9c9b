/** Values that hurt: numbers at every edge, texts that are syntax somewhere, bytes that promise more than they hold. */
import { encode } from '@slackline/shared';
import type { Random } from '../harness/random.js';

const oddNumbers = [
  ...[0, -0, 1, -1, 0.5, 255, 256, 65_536, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 53 - 1, 2 ** 63, -(2 ** 63)],
  ...[1e15, 1e21, 1e308, -1e308, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
];

const oddTexts = [
  ...['', ' ', '.', '*', '>', 'a.b', 'a b', '$SYS.REQ', '$JS.API.STREAM.LIST', '__proto__', 'constructor', 'toString'],
  ...[
    '../../etc/passwd',
    'NaN',
    'Infinity',
    '-0',
    '0x10',
    '1e308',
    '-1',
    '007',
    '١٢',
    'null',
    'é\u2028\u202e',
    '\u0000',
  ],
  ...['x\r\nPUB queries.m 0\r\n', "'; DROP TABLE models; --", '{"a":1}', '%s%n', '\ud800', '😀'.repeat(40)],
];

/** Texts for headers: without what ends a line, but for what a header must not hold either. */
const headerTexts = [
  ...[
    '',
    ' ',
    '0',
    '-0',
    '-1',
    '1',
    '5',
    '100',
    '60000',
    '60001',
    '1e308',
    '1e3',
    '0x64',
    '+5',
    'NaN',
    'Infinity',
    '-5.5',
  ],
  ...[
    '9'.repeat(400),
    '0.0000000000000000001',
    '1795356810515',
    '99999999999999',
    '٣',
    '1,5',
    '1 5',
    'a.b',
    '>',
    '*',
    'a b',
  ],
  ...['low', 'normal', 'high', 'HIGH', '__proto__', 'constructor', 'application/json', 'application/msgpack'],
  ...[
    'application/octet-stream',
    'Application/JSON; charset=utf-8',
    'text/html',
    '_INBOX.x',
    '$JS.API.INFO',
    'results.a.b',
  ],
];

export const headerNamesOfOurs = [
  ...['Slo-Ms', 'Deadline', 'Content-Type', 'Query-Id', 'Result-Key', 'Min-Accuracy', 'Priority', 'Root-Id', 'Stage'],
  ...['Nats-Msg-Id', 'Budget-Ms', 'Reply-To', 'Outcome', 'Error-Code', 'Subnet', 'Accuracy', 'Retry-After-Ms'],
];

/** Headers that the broker itself obeys on a stream. */
export const headerNamesOfTheBroker = [
  ...[
    'Nats-Expected-Stream',
    'Nats-Expected-Last-Sequence',
    'Nats-Expected-Last-Msg-Id',
    'Nats-Rollup',
    'KV-Operation',
  ],
  ...['Nats-TTL', 'Nats-Schedule', 'Nats-Service-Error', 'Nats-Service-Error-Code', 'Status', 'Description'],
];

export function oddNumber(random: Random): number {
  return random.chance(0.8) ? random.pick(oddNumbers) : (random.next() - 0.5) * 10 ** random.int(0, 20);
}

export function oddText(random: Random): string {
  if (random.chance(0.7)) return random.pick(oddTexts);
  const code = () => random.int(0, random.chance(0.5) ? 127 : 0xffff);
  return String.fromCharCode(...Array.from({ length: random.size(300) }, code));
}

export function headerText(random: Random): string {
  if (random.chance(0.7)) return random.pick(headerTexts);
  return oddText(random).replaceAll(/[\r\n]/g, '');
}

/** Any value that msgpack or JSON can carry. */
export function oddValue(random: Random, depth = 0): unknown {
  const kind = random.int(0, depth > 3 ? 5 : 8);
  if (kind === 0) return null;
  if (kind === 1) return random.chance(0.5);
  if (kind <= 3) return oddNumber(random);
  if (kind === 4) return oddText(random);
  if (kind === 5) return random.bytes(random.size(64));
  if (kind <= 7) return Array.from({ length: random.size(8) }, () => oddValue(random, depth + 1));
  return Object.fromEntries(
    Array.from({ length: random.size(6) }, () => [oddText(random), oddValue(random, depth + 1)]),
  );
}

type Tree = unknown[] | Record<string, unknown>;
const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !(value instanceof Uint8Array);

/** A copy of `value` in which a few places somewhere have been changed, taken away, doubled or renamed. */
export function mutated(value: unknown, random: Random): unknown {
  const copy: unknown = structuredClone(value);
  if (!isTree(copy)) return oddValue(random);
  for (let times = random.int(1, 3); times > 0; times--) mutateOnce(copy, random);
  return copy;
}

function mutateOnce(tree: Tree, random: Random): void {
  const keys = Object.keys(tree);
  if (keys.length === 0) return;
  const key = random.pick(keys);
  const child: unknown = Reflect.get(tree, key);
  if (isTree(child) && random.chance(0.6)) {
    mutateOnce(child, random);
    return;
  }
  const what = random.int(0, 5);
  if (what === 0) {
    if (Array.isArray(tree)) tree.splice(Number(key), 1);
    else delete tree[key];
  } else if (what === 1 && Array.isArray(tree)) tree.push(child);
  else if (what === 1) define(tree, random.pick(['__proto__', 'constructor', 'extra', 'v']), oddValue(random));
  else if (what === 2)
    define(
      tree,
      key,
      Array.from({ length: random.size(2_000) }, () => child),
    );
  else define(tree, key, typeof child === 'number' && random.chance(0.7) ? oddNumber(random) : oddValue(random));
}

/** As an own property, whatever it is called. */
function define(tree: Tree, key: string, value: unknown): void {
  Object.defineProperty(tree, key, { value, enumerable: true, configurable: true, writable: true });
}

/** JSON, with NaN and infinities written as numbers of the size that stands for them. */
export function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value) ?? 'null');
}

/** Bytes of a message, damaged: cut, filled up, a few bytes changed, or replaced by what never was one. */
export function damaged(bytes: Uint8Array, random: Random, mostBytes: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const what = random.int(0, 4);
  if (what === 0) return copy.subarray(0, random.int(0, copy.length));
  if (what === 1) return Buffer.concat([copy, random.bytes(random.size(200))]);
  if (what === 2) {
    for (let times = random.int(1, 8); times > 0; times--) copy[random.int(0, copy.length - 1)] = random.int(0, 255);
    return copy;
  }
  return what === 3 ? random.bytes(random.size(2_000)) : bomb(random, mostBytes);
}

/** msgpack or JSON that is small and wants to be large. */
export function bomb(random: Random, mostBytes: number): Uint8Array {
  const length = random.chance(0.9) ? random.int(1, 4_000) : random.int(1, Math.floor(mostBytes / 2));
  const repeated = (unit: Uint8Array) =>
    Buffer.concat(Array.from({ length: Math.ceil(length / unit.length) }, () => unit));
  return random.pick([
    () => Buffer.alloc(length, 0x91), // arrays in arrays
    () => repeated(Buffer.from([0x81, 0xa1, 0x61])), // maps in maps
    () => repeated(Buffer.from([0xdd, 0x01, 0xff, 0xff, 0xff])), // arrays of millions, of which nothing comes
    () => Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
    () => Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1, 0x61]),
    () => Buffer.from([0xc6, 0xff, 0xff, 0xff, 0xff, 1]), // bytes that are not there
    () => Buffer.from([0xdb, 0x7f, 0xff, 0xff, 0xff, 0x61]),
    () => extension(random),
    () => Buffer.from([0xc1]),
    () =>
      Buffer.concat([
        Buffer.from([0x82, 0xa9]),
        Buffer.from('__proto__'),
        Buffer.from([0x81, 0xa1, 0x76, 1]),
        Buffer.from([0xa1, 0x76, 1]),
      ]),
    () => Buffer.concat([Buffer.alloc(length, '['), Buffer.alloc(length, ']')]),
    () => Buffer.alloc(length, '{"a":'),
    () => Buffer.from(`{"inputs":[{"data":[${'1e999,'.repeat(Math.min(length, 5_000))}0]}]}`),
    () => Buffer.from('{"__proto__":{"inputs":[]},"inputs":[]}'),
    () => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{}')]),
    () => Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
  ])();
}

/** Types that msgpack libraries give a meaning: records, dates, sets, regular expressions, errors, typed arrays, references. */
function extension(random: Random): Uint8Array {
  const type = random.pick([0x00, 0x42, 0x62, 0x65, 0x69, 0x70, 0x72, 0x73, 0x74, 0x78, 0xff]);
  const payload = random.chance(0.5) ? random.bytes(random.int(0, 40)) : encode(oddValue(random));
  const body = payload.subarray(0, 250);
  return random.chance(0.7)
    ? Buffer.concat([Buffer.from([0xc7, body.length, type]), body])
    : Buffer.concat([Buffer.from([0xd4, type, random.int(0, 255)]), body]);
}
