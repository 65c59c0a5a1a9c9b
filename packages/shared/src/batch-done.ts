/**
 * Reads the end of a batch: the message that a scheduler gets most of. What is as it should be is found so by code written for
 * it, in a fraction of the schema's time; about everything else the schema has the last word.
 */
import { decode } from './codec.js';
import { type BatchAnswer, type BatchDone, batchDone, unpack } from './messages.js';

const mostText = 256;
const workerPattern = /^[A-Za-z0-9_-]{1,80}$/;

/** Decodes and checks `batches.done`. Throws `bad_message`. */
export function readBatchDone(data: Uint8Array): BatchDone {
  let value: unknown;
  try {
    value = decode(data);
  } catch {
    // The schema's reader says it in its own words.
  }
  return asExpected(value) ?? unpack('batches.done', batchDone, data);
}

function asExpected(value: unknown): BatchDone | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const said = value as Record<string, unknown>;
  const {
    v,
    workerId,
    epoch,
    token,
    batchId,
    answers,
    actuationMs,
    inferenceMs,
    heldMs,
    waitedMs = 0,
    freeSlots,
  } = said;
  const isGood =
    v === 1 &&
    isText(workerId) &&
    workerPattern.test(workerId) &&
    isText(epoch) &&
    isCount(token) &&
    isText(batchId) &&
    isTime(actuationMs) &&
    isTime(inferenceMs) &&
    isTime(heldMs) &&
    isTime(waitedMs) &&
    isCount(freeSlots) &&
    Array.isArray(answers) &&
    answers.every(isOutputs);
  return isGood
    ? { v, workerId, epoch, token, batchId, answers, actuationMs, inferenceMs, heldMs, waitedMs, freeSlots }
    : undefined;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= mostText;
const isTime = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < Infinity;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** Nothing but the outputs: what else there may be, the schema takes off. */
function isOutputs(answer: unknown): answer is BatchAnswer {
  if (typeof answer !== 'object' || answer === null || !('outputs' in answer)) return false;
  return answer.outputs instanceof Uint8Array && Object.keys(answer).length === 1;
}
