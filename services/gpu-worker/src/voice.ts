/** Everything that a worker says on the bus. */
import {
  type BatchAnswer,
  type BatchCommand,
  type BatchDone,
  type Bus,
  isAllowedReply,
  pack,
  refusal,
  SlacklineError,
  type Subjects,
  type WorkerStatus,
  type WorkerTelemetry,
} from '@slackline/shared';
import type { MeterReading } from './meter.js';

/** How a batch ended, as `batches.done` says it. */
export type BatchEnd = Pick<BatchDone, 'answers' | 'actuationMs' | 'inferenceMs' | 'heldMs' | 'waitedMs'>;

/** Whose voice it is, as it is at the moment of the call. */
export interface Speaker {
  readonly id: string;
  readonly freeSlots: number;
  readonly status: WorkerStatus;
}

const empty = new Uint8Array(0);

export class Voice {
  #saidSlots = 0;

  /**
   * @param replyPrefixes what the subject of an answer must begin with: nobody shall have us publish anywhere else
   */
  constructor(
    private readonly bus: Bus,
    private readonly subjects: Subjects,
    private readonly replyPrefixes: readonly string[],
    private readonly speaker: Speaker,
  ) {}

  /** Free slots in the status that was sent last: what schedulers believe. */
  get saidSlots(): number {
    return this.#saidSlots;
  }

  heartbeat(): void {
    this.#say(this.subjects.heartbeat(this.speaker.id), this.speaker.status);
  }

  /** The status, at once: on `workers.available` when a batch can be taken. */
  slots(): void {
    const { status } = this.speaker;
    if (status.freeSlots > 0) this.#say(this.subjects.workersAvailable, status);
    else this.heartbeat();
  }

  /** The end of a batch, under the epoch and token of its command: whether they still count is the scheduler's to say. */
  done({ epoch, token, batchId }: BatchCommand, end: BatchEnd): void {
    const { id: workerId, freeSlots } = this.speaker;
    const done: BatchDone = { v: 1, workerId, epoch, token, batchId, ...end, freeSlots };
    this.bus.publish(this.subjects.batchesDone, packFitting(done, this.bus.maxPayloadBytes));
  }

  pong(reply: string | undefined): void {
    if (this.#mayAnswer(reply)) this.bus.publish(reply, empty);
  }

  measured(reply: string | undefined, samplesMs: number[][][]): void {
    if (this.#mayAnswer(reply)) this.bus.publish(reply, pack({ v: 1, samplesMs }));
  }

  /** Answers a request with an error of the registry. */
  refusal(reply: string | undefined, cause: unknown): void {
    if (!this.#mayAnswer(reply)) return;
    const text = cause instanceof Error ? cause.message : String(cause);
    const error = cause instanceof SlacklineError ? cause : new SlacklineError('executor_failed', text, { cause });
    const { data, headers } = refusal(error);
    this.bus.publish(reply, data, { headers });
  }

  telemetry(state: string, reading: MeterReading): void {
    const { workerId, host, deviceClass, executor } = this.speaker.status;
    const rssBytes = process.memoryUsage.rss();
    const telemetry: WorkerTelemetry = { v: 1, workerId, host, deviceClass, executor, state, ...reading, rssBytes };
    this.bus.publish(this.subjects.telemetry('worker'), pack(telemetry));
  }

  #mayAnswer(reply: string | undefined): reply is string {
    return reply !== undefined && isAllowedReply(reply, this.replyPrefixes);
  }

  #say(subject: string, status: WorkerStatus): void {
    this.#saidSlots = status.freeSlots;
    this.bus.publish(subject, pack(status));
  }
}

/** The end of a batch in at most `maxBytes`: where its answers take more, the largest ones are said to have failed. */
function packFitting(done: BatchDone, maxBytes: number): Uint8Array {
  const data = pack(done);
  const { answers } = done;
  if (data.length <= maxBytes || !Array.isArray(answers)) return data;
  const error = `The batch's answers take ${data.length} bytes, the broker's messages ${maxBytes}`;
  return pack({ ...done, answers: withoutLargest(answers, data.length - maxBytes, error) });
}

/** The answers, with `error` in place of as many of the largest as free `excessBytes`. */
function withoutLargest(answers: BatchAnswer[], excessBytes: number, error: string): BatchAnswer[] {
  const result = [...answers];
  const largestFirst = answers
    .map((answer, index) => ({ index, bytes: 'outputs' in answer ? answer.outputs.length : 0 }))
    .sort((a, b) => b.bytes - a.bytes);
  let left = excessBytes;
  for (const { index, bytes } of largestFirst) {
    // An answer shorter than the error would free nothing.
    if (left <= 0 || bytes <= error.length) break;
    result[index] = { error };
    left -= bytes - error.length;
  }
  return result;
}
