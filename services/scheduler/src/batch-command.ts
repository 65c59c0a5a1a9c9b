/** What a batch looks like on the bus: the command to its worker, and the facts that go with each answer. */
import type { Batch } from '@slackline/scheduling';
import { type AnswerFacts, type BatchCommand, mostQueriesOfBatch } from '@slackline/shared';
import type { HeldQuery } from './held-query.js';

/** Room that a batch command takes beside the bodies, in all and per query. */
const commandBytes = 1_024;
const queryBytes = 160;

/** What of a batch fits one message. */
export function batchLimits(maxPayloadBytes: number): { maxBatch: number; maxBatchBytes: number } {
  return {
    maxBatch: mostQueriesOfBatch,
    maxBatchBytes: maxPayloadBytes - commandBytes - mostQueriesOfBatch * queryBytes,
  };
}

/** @param claimAboveBytes larger bodies stay in the stream; the worker fetches them by sequence */
export function commandOf(batch: Batch<HeldQuery>, token: number, claimAboveBytes: number): BatchCommand {
  return {
    v: 1,
    batchId: batch.id,
    token,
    epoch: batch.epoch,
    model: batch.model,
    ...(batch.version !== undefined && { digest: batch.version }),
    subnet: batch.subnet,
    queries: batch.queries.map((query) => ({
      id: query.id,
      contentType: query.contentType,
      payload: query.message.data.length > claimAboveBytes ? null : query.message.data,
      sequence: query.sequence,
    })),
  };
}

/** What an answer says of the query and of how it was served. */
export function factsOf(
  batch: Batch<HeldQuery>,
  query: HeldQuery,
  served: { inferenceMs: number; executor: string; nowMs: number },
): AnswerFacts {
  const inTime = served.nowMs <= query.deadlineMs;
  return {
    queryId: query.id,
    model: batch.model,
    outcome: inTime ? 'ok' : 'late',
    subnet: batch.subnet,
    accuracy: batch.accuracy,
    batchSize: batch.queries.length,
    queueMs: batch.sentAtMs - query.acceptedMs,
    inferenceMs: served.inferenceMs,
    deadlineMet: inTime,
    executor: served.executor,
  };
}
