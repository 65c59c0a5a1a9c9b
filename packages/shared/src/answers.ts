/**
 * Answers as they travel: the scheduler frames a worker's outputs, errors and refusals are framed here too, and the client
 * reads all of them back. Framing is on the hot path: the outputs are copied once and never decoded.
 */
import { decode, encode } from './codec.js';
import { type ErrorCode, type ErrorWords, errorKinds, SlacklineError } from './errors.js';
import { contentTypes, HeaderLines, type HeaderReader, headerNames, type Outcome, outcomes } from './headers.js';

/** A message that is ready to be published. */
export interface FramedMessage {
  headers: HeaderLines;
  data: Uint8Array;
}

/** What all answers of a batch say. */
export interface BatchFacts {
  model: string;
  /** Id of the subnet that answered, and its top-1 accuracy in 0..1. */
  subnet: string;
  accuracy: number;
  batchSize: number;
  inferenceMs: number;
  executor: string;
}

/** What is one answer's own. */
export interface QueryFacts {
  queryId: string;
  outcome: 'ok' | 'late';
  /** From the stream's timestamp to the batch command. */
  queueMs: number;
  deadlineMet: boolean;
}

/** What an answer says about itself. */
export interface AnswerFacts extends BatchFacts, QueryFacts {}

/** Milliseconds as they are written: to the microsecond. */
const round = (ms: number): number => Math.round(ms * 1_000) / 1_000;

/** What stands before the outputs in a JSON or msgpack answer. */
function preamble(facts: AnswerFacts) {
  return {
    model_name: facts.model,
    id: facts.queryId,
    parameters: {
      outcome: facts.outcome,
      subnet: facts.subnet,
      accuracy: facts.accuracy,
      batch_size: facts.batchSize,
      queue_ms: round(facts.queueMs),
      inference_ms: round(facts.inferenceMs),
      deadline_met: facts.deadlineMet,
    },
  };
}

const jsonEnd = Buffer.from('}');
const msgpackOutputsKey = encode('outputs');
/** First byte of a msgpack map of three entries; four entries are one more. */
const mapOfThree = 0x83;

/** Frames the answers of one batch: what they have in common is written once. */
export class AnswerFrames {
  readonly #common: HeaderLines;

  constructor(private readonly batch: BatchFacts) {
    this.#common = HeaderLines.of({
      [headerNames.subnet]: printable(batch.subnet),
      [headerNames.accuracy]: String(batch.accuracy),
      [headerNames.batchSize]: String(batch.batchSize),
      [headerNames.inferenceMs]: String(round(batch.inferenceMs)),
      [headerNames.executor]: printable(batch.executor),
    });
  }

  /**
   * An answer in the query's content type around `outputs`, the bytes that the worker encoded (`encodeOutputs`).
   * Any content type but JSON and msgpack is answered as raw bytes.
   */
  frame(contentType: string, query: QueryFacts, outputs: Uint8Array): FramedMessage {
    const headers = this.#common.with({
      [headerNames.contentType]: contentType,
      [headerNames.queryId]: query.queryId,
      [headerNames.outcome]: query.outcome,
      [headerNames.queueMs]: String(round(query.queueMs)),
      [headerNames.deadlineMet]: String(query.deadlineMet),
    });
    if (contentType === contentTypes.json) return { headers, data: jsonAnswer({ ...this.batch, ...query }, outputs) };
    if (contentType === contentTypes.msgpack) {
      return { headers, data: msgpackAnswer({ ...this.batch, ...query }, outputs) };
    }
    return { headers, data: outputs };
  }
}

/** One answer alone. */
export function frameAnswer(contentType: string, facts: AnswerFacts, outputs: Uint8Array): FramedMessage {
  return new AnswerFrames(facts).frame(contentType, facts, outputs);
}

function jsonAnswer(facts: AnswerFacts, outputs: Uint8Array): Uint8Array {
  const head = Buffer.from(`${JSON.stringify(preamble(facts)).slice(0, -1)},"outputs":`);
  return Buffer.concat([head, outputs, jsonEnd]);
}

function msgpackAnswer(facts: AnswerFacts, outputs: Uint8Array): Uint8Array {
  const head = encode(preamble(facts));
  if (head[0] !== mapOfThree) throw new Error('the preamble of an answer is not a map of three');
  head[0] = mapOfThree + 1;
  return Buffer.concat([head, msgpackOutputsKey, outputs]);
}

/** What an error answer says beside its sentence. */
export interface ErrorFacts {
  /** Absent when the query gave no id that could be read. */
  queryId?: string | undefined;
  /** `expired` or `failed` for an accepted query; absent for a refusal. */
  outcome?: 'expired' | 'failed';
  /** When to try again, for `overloaded`. */
  retryAfterMs?: number;
}

/** Longer sentences are cut in headers. */
const headerSentenceLength = 300;

/** The refusal or the failure of a query: `{ "error": sentence }` in JSON, or in msgpack for a msgpack query. */
export function frameError(contentType: string, error: ErrorWords, facts: ErrorFacts): FramedMessage {
  const inMsgpack = contentType === contentTypes.msgpack;
  const body = { error: error.message };
  const headers: Record<string, string> = {
    [headerNames.contentType]: inMsgpack ? contentTypes.msgpack : contentTypes.json,
    [headerNames.errorCode]: error.code,
    [headerNames.serviceError]: printable(error.message).slice(0, headerSentenceLength),
    [headerNames.serviceErrorCode]: String(error.status),
  };
  if (facts.queryId !== undefined) headers[headerNames.queryId] = facts.queryId;
  if (facts.outcome !== undefined) headers[headerNames.outcome] = facts.outcome;
  if (facts.retryAfterMs !== undefined) headers[headerNames.retryAfterMs] = String(Math.ceil(facts.retryAfterMs));
  return { headers: HeaderLines.of(headers), data: inMsgpack ? encode(body) : Buffer.from(JSON.stringify(body)) };
}

/** Text without line ends and other control characters: it could not stand in a header. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

/** A query that was answered. */
export interface ServedAnswer extends Omit<AnswerFacts, 'model'> {
  /** Of `body`. */
  contentType: string;
  /** The answer as it came: raw outputs, or the Open Inference Protocol's response. See `decodeOutputs`. */
  body: Uint8Array;
}

/** A query without an answer: dropped, failed, or refused before it was accepted. */
export interface ErrorAnswer {
  outcome: 'expired' | 'failed' | 'refused';
  queryId: string | undefined;
  /** A code of the registry, or what a newer version says. */
  code: string;
  /** The sentence. */
  message: string;
  /** HTTP status of the same meaning. */
  status: number;
  /** When to try again; only with `overloaded`. */
  retryAfterMs: number | undefined;
}

export type ParsedAnswer = ServedAnswer | ErrorAnswer;

/** Reads an answer's headers, and the sentence of an error. Throws `bad_message` when it is not one of ours. */
export function parseAnswer(message: { headers: HeaderReader; data: Uint8Array }): ParsedAnswer {
  const { headers, data } = message;
  const outcome = headers.get(headerNames.outcome);
  const code = headers.get(headerNames.errorCode);
  if (outcome !== undefined && !isOutcome(outcome)) {
    throw new SlacklineError('bad_message', `An answer has the outcome ${JSON.stringify(outcome.slice(0, 32))}`);
  }
  if (code !== undefined) {
    const accepted = outcome === 'expired' || outcome === 'failed';
    return parseError(code, accepted ? outcome : 'refused', headers, data);
  }
  if (outcome !== 'ok' && outcome !== 'late') {
    throw new SlacklineError(
      'bad_message',
      `An answer of ${data.length} bytes has neither an outcome nor an error code`,
    );
  }
  return {
    outcome,
    queryId: headers.get(headerNames.queryId) ?? '',
    subnet: headers.get(headerNames.subnet) ?? '',
    accuracy: Number(headers.get(headerNames.accuracy)),
    batchSize: Number(headers.get(headerNames.batchSize)),
    queueMs: Number(headers.get(headerNames.queueMs)),
    inferenceMs: Number(headers.get(headerNames.inferenceMs)),
    deadlineMet: headers.get(headerNames.deadlineMet) === 'true',
    executor: headers.get(headerNames.executor) ?? '',
    contentType: headers.get(headerNames.contentType) ?? contentTypes.bytes,
    body: data,
  };
}

const isOutcome = (text: string): text is Outcome => outcomes.some((outcome) => outcome === text);
const isCode = (text: string): text is ErrorCode => Object.hasOwn(errorKinds, text);

function parseError(
  code: string,
  outcome: ErrorAnswer['outcome'],
  headers: HeaderReader,
  data: Uint8Array,
): ErrorAnswer {
  const retryAfter = headers.get(headerNames.retryAfterMs);
  return {
    outcome,
    queryId: headers.get(headerNames.queryId),
    code,
    message: sentence(headers, data),
    status: isCode(code) ? errorKinds[code].status : Number(headers.get(headerNames.serviceErrorCode) ?? 500),
    retryAfterMs: retryAfter === undefined ? undefined : Number(retryAfter),
  };
}

/** The whole sentence from the body; the header's, which may be cut, when the body cannot be read. */
function sentence(headers: HeaderReader, data: Uint8Array): string {
  try {
    const inMsgpack = headers.get(headerNames.contentType) === contentTypes.msgpack;
    const body: unknown = inMsgpack ? decode(data) : JSON.parse(Buffer.from(data).toString());
    if (typeof body === 'object' && body !== null && 'error' in body) return String(body.error);
  } catch {
    // The header says it too.
  }
  return headers.get(headerNames.serviceError) ?? '';
}
