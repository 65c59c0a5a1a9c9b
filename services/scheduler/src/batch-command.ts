/** What a batch looks like on the bus: the command to its worker, and the facts that go with each answer. */
import type { Batch } from '@slackline/scheduling';
import { AnswerFrames, type BatchCommand, mostQueriesOfBatch, type QueryFacts } from '@slackline/shared';
import type { HeldQuery } from './held-query.js';

/** Room that a batch command takes beside the bodies, in all and per query. */
const commandBytes = 1_024;
const queryBytes = 160;

/** What of a batch fits one message, unless a single body is larger. */
export function batchLimits(maxPayloadBytes: number): { maxBatch: number; maxBatchBytes: number } {
  return {
    maxBatch: mostQueriesOfBatch,
    maxBatchBytes: maxPayloadBytes - commandBytes - mostQueriesOfBatch * queryBytes,
  };
}

/** The largest body that a command carries, alone. What ingest lets in leaves more room than that. */
export function mostBodyBytes(maxPayloadBytes: number): number {
  return maxPayloadBytes - commandBytes - queryBytes;
}

export function commandOf(batch: Batch<HeldQuery>, token: number): BatchCommand {
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
      payload: query.isClaim ? null : query.message.data,
      sequence: query.sequence,
    })),
  };
}

/** What all answers of a batch say of how it was served. */
export function framesOf(batch: Batch<HeldQuery>, inferenceMs: number, executor: string): AnswerFrames {
  const { model, subnet, accuracy, queries } = batch;
  return new AnswerFrames({ model, subnet, accuracy, batchSize: queries.length, inferenceMs, executor });
}

/** What an answer says of its query. */
export function factsOf({ startMs }: Batch<HeldQuery>, query: HeldQuery, nowMs: number): QueryFacts {
  const inTime = nowMs <= query.deadlineMs;
  return {
    queryId: query.id,
    outcome: inTime ? 'ok' : 'late',
    queueMs: startMs - query.acceptedMs,
    deadlineMet: inTime,
  };
}
