/**
 * Whether a message is a query that can be served: pure, no I/O. What is admitted here still has to be stored by the
 * stream before it counts as accepted.
 */
import {
  type BusMessage,
  type ContentType,
  checkBody,
  contentTypeOf,
  type HeaderReader,
  headerNames,
  namePattern,
  quote,
  SlacklineError,
  Subjects,
} from '@slackline/shared';
import type { Catalog, ServedModel } from './catalog.js';
import { type Arrival, deadlineOf } from './deadline.js';

export interface AdmissionLimits {
  maxSloMs: number;
  maxBodyBytes: number;
}

/** A query that may be published to the stream. */
export interface AdmittedQuery {
  model: ServedModel;
  id: string;
  contentType: ContentType;
  body: Uint8Array;
  /** On the clock that admission was called with. */
  deadlineMs: number;
  resultKey: string | undefined;
  /** Headers that are passed on as they came. */
  passedOn: Readonly<Record<string, string>>;
}

/**
 * Checks all of one message but what the body says, which costs more: that is `checkContent`.
 * Throws `unknown_model`, `wrong_header`, `wrong_deadline`, `oversized_body`, `unsupported_content_type` or `unavailable`.
 *
 * @param newId makes the id of a query that brought none
 */
export function admit(
  message: BusMessage,
  arrival: Arrival,
  catalog: Catalog,
  limits: AdmissionLimits,
  newId: () => string,
): AdmittedQuery {
  const { headers, data: body } = message;
  const model = modelOf(message.subject, catalog);
  const id = nameHeader(headers, headerNames.queryId) ?? newId();
  const resultKey = nameHeader(headers, headerNames.resultKey);
  const passedOn: Record<string, string> = {};
  for (const name of [headerNames.rootId, headerNames.stage]) {
    const value = nameHeader(headers, name);
    if (value !== undefined) passedOn[name] = value;
  }
  const deadlineMs = deadlineOf(headers, arrival, model.sloMs, limits.maxSloMs);
  const contentType = contentTypeOf(headers.get(headerNames.contentType));
  if (body.length > limits.maxBodyBytes) {
    throw new SlacklineError(
      'oversized_body',
      `The body has ${body.length} bytes, and ${limits.maxBodyBytes} are allowed`,
    );
  }
  return { model, id, contentType, body, deadlineMs, resultKey, passedOn };
}

/** Looks into the body. Throws what `checkBody` throws. */
export function checkContent(query: AdmittedQuery): void {
  checkBody(query.contentType, query.body, query.model.input);
}

function modelOf(subject: string, catalog: Catalog): ServedModel {
  const name = Subjects.lastToken(subject);
  const model = catalog.get(name);
  if (model === undefined) throw new SlacklineError('unknown_model', `No model ${quote(name)} is served`);
  return model;
}

/** The id under which a refusal is answered: the producer's, if it is a proper one. */
export function readableId(headers: HeaderReader): string | undefined {
  const id = headers.get(headerNames.queryId);
  return id !== undefined && namePattern.test(id) ? id : undefined;
}

/** A header that becomes part of a subject, a key or another header. Throws `wrong_header`. */
function nameHeader(headers: HeaderReader, name: string): string | undefined {
  const value = headers.get(name);
  if (value === undefined || namePattern.test(value)) return value;
  throw new SlacklineError(
    'wrong_header',
    `The header ${name} is ${quote(value)} (${value.length} characters), but must be 1 to 64 letters, digits, - or _`,
  );
}
