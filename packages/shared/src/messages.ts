/** Control messages between the services: msgpack, with a version, checked by a schema on arrival. */
import { z } from 'zod';
import { decode, encode } from './codec.js';
import { SlacklineError } from './errors.js';
import { namePattern } from './subjects.js';

// Not z.instanceof: its type would exclude views of shared memory, which are as good.
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be bytes');

/** Becomes part of subjects. A worker that shares its process with others has a number behind its name. */
const workerId = z.string().regex(/^[A-Za-z0-9_-]{1,80}$/, 'must be a name');
/** What others only compare, keep or repeat: bounded, so that nobody keeps or repeats much. */
const shortText = z.string().max(256);
const timeMs = z.number().min(0);
const count = z.int().min(0);
/** No scheduler sends a larger batch: what a worker would have to fetch and hold for it would have no bound. */
export const mostQueriesOfBatch = 256;

/** `workers.available` and `workers.<id>.heartbeat`: everything a scheduler needs to know of a worker. */
export const workerStatus = z.object({
  v: z.literal(1),
  workerId,
  /** One life of a worker: a new one at each start and whenever it may have been given up. */
  epoch: shortText,
  deviceClass: z.string().regex(namePattern),
  /** `cpu`, `webgpu`, `cuda` or `emulated`. */
  executor: shortText,
  host: shortText,
  /** Models it serves, by name, with the digest of the version. */
  models: z.record(z.string().regex(namePattern), shortText),
  /** Digests of all versions that are loaded, those included that are about to take a model's place. */
  versions: z.array(shortText).default([]),
  /** Batches that it holds at most: one runs, others wait for the device. Absent from older versions, which hold one. */
  slots: count.default(1),
  /** Batches it can take now. */
  freeSlots: count,
  /** The batch it is running. */
  batchId: shortText.nullable(),
  /** Whether it is shutting down: it finishes its batch and takes no more. */
  draining: z.boolean(),
});
export type WorkerStatus = z.infer<typeof workerStatus>;

/** `workers.<id>.batch`: run these queries on this subnet. */
export const batchCommand = z.object({
  v: z.literal(1),
  batchId: shortText,
  /** Fencing token: workers refuse a smaller one than the largest they have seen. */
  token: count,
  epoch: shortText,
  model: shortText,
  /** The version that was planned with; absent: whichever the worker serves. */
  digest: shortText.optional(),
  subnet: shortText,
  queries: z
    .array(
      z.object({
        id: shortText,
        contentType: shortText,
        /** The body as the producer sent it, or null: fetch it from the CLAIMS stream by `sequence`. */
        payload: bytes.nullable(),
        sequence: count,
      }),
    )
    .min(1)
    .max(mostQueriesOfBatch),
});
export type BatchCommand = z.infer<typeof batchCommand>;

/** What a worker says of one query of a batch. */
export const batchAnswer = z.union([
  /** The outputs, encoded in the query's content type (see answers.ts). */
  z.object({ outputs: bytes }),
  z.object({ error: z.string() }),
]);
export type BatchAnswer = z.infer<typeof batchAnswer>;

/** `batches.done`: the end of a batch, and the word that its slot is free again. */
export const batchDone = z.object({
  v: z.literal(1),
  workerId,
  epoch: shortText,
  token: count,
  batchId: shortText,
  /** In the order of the command, or the one reason why none was run. */
  answers: z.union([z.array(batchAnswer), z.object({ refused: z.string(), message: z.string() })]),
  actuationMs: timeMs,
  inferenceMs: timeMs,
  /** From the command's arrival to this message. */
  heldMs: timeMs,
  /** The part of it in which the device was still busy with the batch before; older versions take none. */
  waitedMs: timeMs.default(0),
  freeSlots: count,
});
export type BatchDone = z.infer<typeof batchDone>;

/** `workers.<id>.fenced`: this epoch was given up. Counts under the token of the present leader only. */
export const fencedNotice = z.object({ v: z.literal(1), epoch: shortText, token: count });

/** `workers.rollcall`: a scheduler leads from now on, under this token. */
export const rollCall = z.object({ v: z.literal(1), token: count });

/** `workers.<id>.measure`, a request: time these subnets at these batch sizes. */
export const measureRequest = z.object({
  v: z.literal(1),
  model: shortText,
  digest: shortText,
  subnets: z.array(shortText).min(1).max(4_096),
  /** Rows of each batch, which are made up for it. */
  batches: z.array(z.int().min(1).max(4_096)).min(1).max(64),
  /** Time to spend on each (subnet, batch). */
  budgetMs: z.number().positive().max(60_000),
});
export type MeasureRequest = z.infer<typeof measureRequest>;

/** The samples of a grid: `samplesMs[subnet][batch]` in the order of the request. */
export const measureReply = z.object({
  v: z.literal(1),
  samplesMs: z.array(z.array(z.array(z.number()))),
});

/** What waits ahead of a new query of one class: how long that takes at best, and its latest deadline in broker time. */
/** What takes longer than this is told as this. */
export const mostTakesMs = 3_600_000;
const takesUntil = { takesMs: timeMs.max(mostTakesMs), latestMs: z.number() };
const waitingAhead = z.object({
  ...takesUntil,
  /** None of it was given longer. */
  sloMs: z.number().min(0),
  /** The parts of it that were given no longer than `sloMs`, the shortest first. */
  within: z.array(z.object({ sloMs: z.number().positive(), ...takesUntil })).max(64),
});

/**
 * On `backlog`, from the leader, several times a second while a model is overloaded, and once with no model when none is any
 * more. By it ingests refuse what would wait until after its deadline.
 */
export const backlogReport = z.object({
  v: z.literal(1),
  models: z.array(
    z.object({
      model: z.string(),
      /** Queries that all workers together carry at best. */
      capacityPerMs: z.number().positive(),
      low: waitingAhead,
      normal: waitingAhead,
      high: waitingAhead,
    }),
  ),
});
export type BacklogReport = z.infer<typeof backlogReport>;

/** `outcomes.again`: whoever has said the outcome of this query lately says it once more, to the same reply subject. */
export const outcomeQuestion = z.object({ v: z.literal(1), queryId: shortText, replyTo: z.string() });
export type OutcomeQuestion = z.infer<typeof outcomeQuestion>;

/** One-second summary of the scheduler on `telemetry.scheduler`; counts grow since its start. */
export const schedulerTelemetry = z.object({
  v: z.literal(1),
  queued: z.int(),
  inFlight: z.int(),
  workers: z.int(),
  workersLost: z.int(),
  /** Messages of the query stream that no ingest can have written: dropped, with no outcome. */
  unreadable: z.int().default(0),
  outcomes: z.object({ ok: z.int(), late: z.int(), expired: z.int(), failed: z.int() }),
  /** Answers by model and subnet. */
  subnets: z.record(z.string(), z.record(z.string(), z.int())),
  /** Mean batch size since the last summary. */
  meanBatch: z.number(),
  /** JavaScript heap in use; absent from older versions. */
  heapBytes: z.int().optional(),
});
export type SchedulerTelemetry = z.infer<typeof schedulerTelemetry>;

/** How far the profiler is, on `telemetry.profiler`: `done` of `total` steps of a stage. */
export const profilerTelemetry = z.object({
  v: z.literal(1),
  stage: z.enum(['publish', 'waiting', 'latency', 'ready']),
  model: z.string(),
  /** Null in stages that do not depend on the device. */
  deviceClass: z.string().nullable(),
  done: z.int(),
  total: z.int(),
});
export type ProfilerTelemetry = z.infer<typeof profilerTelemetry>;

/** Encodes a control message. */
export function pack<T extends { v: 1 }>(message: T): Uint8Array {
  return encode(message);
}

/** Decodes and checks a control message. Throws `bad_message`, naming the kind and the fields that are wrong. */
export function unpack<T>(kind: string, schema: z.ZodType<T>, data: Uint8Array): T {
  let value: unknown;
  try {
    value = decode(data);
  } catch (cause) {
    throw new SlacklineError('bad_message', `A ${kind} message is not msgpack`, { cause });
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const fields = checked.error.issues.map((issue) => issue.path.join('.') || issue.message).slice(0, 5);
  throw new SlacklineError('bad_message', `A ${kind} message has wrong fields (${fields.join(', ')})`);
}

/** One-second summary of an ingest on `telemetry.ingest`; counts grow since its start. */
export const ingestTelemetry = z.object({
  v: z.literal(1),
  /** Tells the ingests of one queue group apart. */
  instanceId: z.string(),
  /** Queries that the stream confirmed. */
  accepted: z.int(),
  /** Refused queries by error code, also those that could not be told. */
  refused: z.record(z.string(), z.int()),
  /** Queries whose PubAck never came: the scheduler's outcome stands, if there is one. */
  unconfirmed: z.int(),
  /** Publishes that wait for their PubAck now. */
  inFlight: z.int(),
  /** Publishes that were repeated because a PubAck did not come. */
  retried: z.int(),
  models: z.int(),
  /** JavaScript heap in use; absent from older versions. */
  heapBytes: z.int().optional(),
});
export type IngestTelemetry = z.infer<typeof ingestTelemetry>;

/** One-second summary of a worker on `telemetry.worker`; counts grow since its start. */
export const workerTelemetry = z.object({
  v: z.literal(1),
  workerId: z.string(),
  host: z.string(),
  deviceClass: z.string(),
  executor: z.string(),
  /** Of its life: `idle`, `busy`, `measuring`, … (docs/worker.md). */
  state: z.string(),
  batches: z.int(),
  queries: z.int(),
  /** Batches that ran on another subnet than the one before. */
  actuations: z.int(),
  /** Since the last summary: share of the time with a batch, and the means of its batches; 0 when there were none. */
  busyShare: z.number().min(0).max(1),
  meanActuationMs: z.number(),
  meanInferenceMs: z.number(),
  /** Memory of the whole process, which several workers may share. */
  rssBytes: z.int(),
});
export type WorkerTelemetry = z.infer<typeof workerTelemetry>;
