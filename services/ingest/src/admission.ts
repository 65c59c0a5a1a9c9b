/**
 * Whether a message is a query that can be served: pure, no I/O. What is admitted here still has to be stored by the
 * stream before it counts as accepted.
 */
import {
  type BusMessage,
  type Constraints,
  type ContentType,
  constraintsIn,
  constraintsOf,
  contentTypeOf,
  contentTypes,
  type HeaderReader,
  headerNames,
  namePattern,
  quote,
  readRequest,
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
  /** What the headers ask. */
  constraints: Constraints;
  /** Reserved for task graphs: passed on as they came. */
  rootId: string | undefined;
  stage: string | undefined;
}

/**
 * Checks all of one message but what the body says, which costs more: that is `checkContent`.
 * Throws `unknown_model`, `wrong_header`, `wrong_deadline`, `wrong_constraint`, `unreachable_accuracy`, `oversized_body`,
 * `unsupported_content_type` or `unavailable`.
 *
 * @param newId makes the id of a query that brought none
 */
export function admit(
  { subject, headers, data: body }: BusMessage,
  arrival: Arrival,
  catalog: Catalog,
  limits: AdmissionLimits,
  newId: () => string,
): AdmittedQuery {
  if (headers.isDamaged) throw new SlacklineError('wrong_header', 'The headers of the message cannot be read');
  const model = modelOf(subject, catalog);
  const query = {
    model,
    id: nameHeader(headers, headerNames.queryId) ?? newId(),
    resultKey: nameHeader(headers, headerNames.resultKey),
    rootId: nameHeader(headers, headerNames.rootId),
    stage: nameHeader(headers, headerNames.stage),
    deadlineMs: deadlineOf(headers, arrival, model.sloMs, limits.maxSloMs),
    constraints: askedBy(headers, model),
    contentType: contentTypeOf(headers.get(headerNames.contentType)),
    body,
  };
  if (body.length > limits.maxBodyBytes) {
    throw new SlacklineError(
      'oversized_body',
      `The body has ${body.length} bytes, and ${limits.maxBodyBytes} are allowed`,
    );
  }
  return query;
}

/**
 * Looks into the body. Returns all that the query asks: what its headers leave open, its parameters may say.
 * Throws what `readRequest` throws, `wrong_constraint` or `unreachable_accuracy`.
 */
export function checkContent(query: AdmittedQuery): Constraints {
  const { contentType, body, model } = query;
  if (contentType === contentTypes.bytes && body.length === model.rawRowBytes) return query.constraints;
  const { parameters } = readRequest(contentType, body, model.input);
  const constraints = { ...constraintsOf(parameters), ...query.constraints };
  checkReach(constraints, model);
  return constraints;
}

const nothingAsked: Constraints = {};

function askedBy(headers: HeaderReader, model: ServedModel): Constraints {
  if (headers.get(headerNames.minAccuracy) === undefined && headers.get(headerNames.priority) === undefined) {
    return nothingAsked;
  }
  const constraints = constraintsIn(headers);
  checkReach(constraints, model);
  return constraints;
}

/** Nothing is accepted that no subnet could ever answer. */
function checkReach({ minAccuracy = 0 }: Constraints, { name, best }: ServedModel): void {
  if (minAccuracy <= best.accuracy) return;
  const what = `The query asks for an accuracy of ${minAccuracy} at least, and the best subnet of ${name}`;
  throw new SlacklineError('unreachable_accuracy', `${what}, ${best.id}, has ${best.accuracy}`);
}

function modelOf(subject: string, catalog: Catalog): ServedModel {
  const name = Subjects.lastToken(subject);
  const model = catalog.get(name);
  if (model === undefined) throw new SlacklineError('unknown_model', `No model ${quote(name)} is served`);
  return model;
}

/** The id under which a refusal is answered: the producer's, if it is a proper one and can be read at all. */
export function readableId(headers: HeaderReader): string | undefined {
  try {
    return nameHeader(headers, headerNames.queryId);
  } catch {
    return undefined;
  }
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
