/** What the queries of a soak are: drawn by a seed from everything that a producer may do, wrong things included. */
import type { QueryOptions } from '@slackline/client';
import { bytesOf, contentTypes, elementsOf, encode, type ModelEntry, priorities, rowBytes } from '@slackline/shared';

/** One query before it is sent. */
export interface MixedQuery {
  model: string;
  body: Uint8Array;
  options: QueryOptions;
  /** The code that it must be refused with; undefined: it must be served. */
  wrong: string | undefined;
  /** Whether its answer is to be stored instead of told. */
  stored: boolean;
}

/** Shares of all queries. */
const shares = { wrong: 0.05, stored: 0.12, json: 0.15, msgpack: 0.1, absolute: 0.2, ownLimit: 0.2 };
const limitsMs = [60, 150, 400, 1_000, 2_000] as const;
/** The first model gets most of the load, as in life. */
const firstModelShare = 0.8;
/** Bodies above this many bytes are sent as bytes: as text they would take several times as much. */
const mostAsText = 4_096;

/** Draws queries to `models`. @param random uniform in [0, 1) */
export function mixOf(models: readonly ModelEntry[], random: () => number): () => MixedQuery {
  const [first, ...others] = models;
  if (first === undefined) throw new RangeError('a mix needs a model');
  const rows = new Map(models.map((model) => [model.name, rowOf(model)]));
  const pick = <T>(from: readonly [T, ...T[]]): T => from[Math.floor(random() * from.length)] ?? from[0];
  return () => {
    const model = others.length > 0 && random() >= firstModelShare ? pick([others[0] ?? first, ...others]) : first;
    const row = rows.get(model.name) ?? new Uint8Array(0);
    const { body, contentType } = bodyOf(model, row, random());
    const options = { contentType, ...limitOf(random, pick), ...wishesOf(model, random, pick) };
    const good: MixedQuery = { model: model.name, body, options, wrong: undefined, stored: false };
    if (random() < shares.wrong) return pick(wrongOnes)(good);
    return { ...good, stored: random() < shares.stored };
  };
}

/** The one row that a model is asked with: random bytes would test its network, and nobody looks at the answers. */
function rowOf(model: ModelEntry): Uint8Array {
  const [input] = model.inputs;
  return new Uint8Array(input === undefined ? 0 : rowBytes(input));
}

function bodyOf(model: ModelEntry, row: Uint8Array, drawn: number): { body: Uint8Array; contentType: string } {
  const [input] = model.inputs;
  if (input === undefined || row.length > mostAsText || drawn >= shares.json + shares.msgpack) {
    return { body: row, contentType: contentTypes.bytes };
  }
  const { name, datatype } = input;
  const shape = [1, ...input.shape.slice(1)];
  if (drawn >= shares.json) {
    const inputs = [{ name, shape, datatype, data: bytesOf(row) }];
    return { body: encode({ inputs }), contentType: contentTypes.msgpack };
  }
  const inputs = [{ name, shape, datatype, data: Array.from(elementsOf(datatype, row), Number) }];
  return { body: Buffer.from(JSON.stringify({ inputs })), contentType: contentTypes.json };
}

type Pick = <T>(from: readonly [T, ...T[]]) => T;

/** From now, by the clock (producers of a soak share the broker's machine), or the model's own. */
function limitOf(random: () => number, pick: Pick): QueryOptions {
  const drawn = random();
  if (drawn < shares.absolute) return { deadline: Date.now() + pick(limitsMs) };
  return drawn < shares.absolute + shares.ownLimit ? {} : { sloMs: pick(limitsMs) };
}

function wishesOf(model: ModelEntry, random: () => number, pick: Pick): QueryOptions {
  const accuracies = model.subnets.map(({ accuracy }) => accuracy);
  const [lowest = 0, ...more] = accuracies;
  const [a, b] = [random(), random()];
  return {
    ...(a < 0.3 && { minAccuracy: pick([lowest, ...more]) }),
    ...(b < 0.5 && { priority: pick(priorities) }),
  };
}

/** What is wrong with them, and the code that says so. */
const wrongOnes: readonly [(good: MixedQuery) => MixedQuery, ...((good: MixedQuery) => MixedQuery)[]] = [
  (good) => ({ ...good, model: 'nobody-serves-this', wrong: 'unknown_model' }),
  (good) => ({ ...good, ...asBytes(good, new Uint8Array(1)), wrong: 'wrong_input' }),
  (good) => ({ ...good, ...asBytes(good, new Uint8Array(0)), wrong: 'empty_body' }),
  (good) => ({ ...withoutLimit(good, { sloMs: -5 }), wrong: 'wrong_deadline' }),
  (good) => ({ ...withoutLimit(good, { deadline: Date.now() - 60_000 }), wrong: 'wrong_deadline' }),
  (good) => ({ ...good, options: { ...good.options, minAccuracy: 0.999_999 }, wrong: 'unreachable_accuracy' }),
  (good) => ({ ...good, options: { ...good.options, minAccuracy: 7 }, wrong: 'wrong_constraint' }),
  (good) => ({ ...good, options: { ...good.options, contentType: 'text/plain' }, wrong: 'unsupported_content_type' }),
  (good) => ({
    ...good,
    body: Buffer.from('{"inputs":['),
    options: { ...good.options, contentType: contentTypes.json },
    wrong: 'malformed_body',
  }),
];

const asBytes = ({ options }: MixedQuery, body: Uint8Array) => ({
  body,
  options: { ...options, contentType: contentTypes.bytes },
});

function withoutLimit(good: MixedQuery, limit: QueryOptions): MixedQuery {
  const { sloMs: _sloMs, deadline: _deadline, ...options } = good.options;
  return { ...good, options: { ...options, ...limit } };
}
