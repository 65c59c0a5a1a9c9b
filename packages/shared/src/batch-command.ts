/**
 * Reads a batch command: the message that a worker gets most of, with the largest bodies. What is as it should be is found so by
 * code written for it, in a fraction of the schema's time; about everything else the schema has the last word.
 */
import { decode } from './codec.js';
import { type BatchCommand, batchCommand, mostQueriesOfBatch, unpack } from './messages.js';

const mostText = 256;

type Query = BatchCommand['queries'][number];

/** Decodes and checks `workers.<id>.batch`; the payloads are views of `data`. Throws `bad_message`. */
export function readBatchCommand(data: Uint8Array): BatchCommand {
  let value: unknown;
  try {
    value = decode(data);
  } catch {
    // The schema's reader says it in its own words.
  }
  return asExpected(value) ?? unpack('batch', batchCommand, data);
}

function asExpected(value: unknown): BatchCommand | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { v, batchId, token, epoch, model, digest, subnet, queries } = value as Record<string, unknown>;
  const isGood =
    v === 1 &&
    isText(batchId) &&
    isCount(token) &&
    isText(epoch) &&
    isText(model) &&
    isText(digest) &&
    isText(subnet) &&
    Array.isArray(queries) &&
    queries.length >= 1 &&
    queries.length <= mostQueriesOfBatch;
  if (!isGood) return undefined;
  const expected: Query[] = [];
  for (const query of queries) {
    const good = asQuery(query);
    if (good === undefined) return undefined;
    expected.push(good);
  }
  return { v, batchId, token, epoch, model, digest, subnet, queries: expected };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= mostText;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** Its four fields: what else there may be is left out, as the schema does. */
function asQuery(query: unknown): Query | undefined {
  if (typeof query !== 'object' || query === null) return undefined;
  const { id, contentType, payload, sequence } = query as Record<string, unknown>;
  const isGood =
    isText(id) && isText(contentType) && (payload === null || payload instanceof Uint8Array) && isCount(sequence);
  return isGood ? { id, contentType, payload, sequence } : undefined;
}
