/**
 * Bodies of queries, after the Open Inference Protocol: raw little-endian bytes, or the protocol's request
 * in JSON or msgpack. ingest checks a body with the very code that the worker decodes it with.
 */
import type { TensorMetadata } from './catalog.js';
import { decode } from './codec.js';
import { elementsFrom } from './elements.js';
import { SlacklineError } from './errors.js';
import { type ContentType, contentTypes } from './headers.js';
import { quote } from './quote.js';
import { elementBytes, rowBytes, rowShape } from './tensors.js';

/**
 * The content type that a header names; without one, raw bytes. Parameters (`; charset=…`) are ignored.
 * Throws `unsupported_content_type`.
 */
export function contentTypeOf(header: string | undefined): ContentType {
  if (header === undefined) return contentTypes.bytes;
  for (const known of Object.values(contentTypes)) if (header === known) return known;
  const bare = header.split(';', 1)[0]?.trim().toLowerCase();
  for (const known of Object.values(contentTypes)) if (bare === known) return known;
  throw new SlacklineError('unsupported_content_type', `The Content-Type ${quote(header)} is not one of ours`);
}

/**
 * One row of the model's input as raw little-endian bytes. Raw bodies are passed through, looked at for their length only.
 * Throws `empty_body`, `oversized_body`, `malformed_body`, `wrong_input` or `unsupported_content_type`.
 */
export function decodeTensor(contentType: string, body: Uint8Array, metadata: TensorMetadata): Uint8Array {
  return readRequest(contentType, body, metadata).row;
}

/** A request as it was sent: the row for the model, and what it says beside that. */
export interface TensorRequest {
  /** One row of the input, raw little-endian bytes. */
  row: Uint8Array;
  /** Of an Open Inference Protocol request; none in raw bytes. */
  parameters: Readonly<Record<string, unknown>>;
}

/** All of a body. Throws what `decodeTensor` throws, and nothing when a worker can run the query. */
export function readRequest(contentType: string, body: Uint8Array, metadata: TensorMetadata): TensorRequest {
  const type = contentTypeOf(contentType);
  if (body.length === 0) throw new SlacklineError('empty_body', 'The body is empty');
  if (type === contentTypes.bytes) return { row: rawRow(body, metadata, 'The body'), parameters: {} };
  const request = parseBody(type, body);
  return { row: readInput(request, metadata), parameters: readParameters(request) };
}

/** Checks the length of raw bytes. `what` begins the sentence. */
function rawRow(bytes: Uint8Array, metadata: TensorMetadata, what: string): Uint8Array {
  const expected = rowBytes(metadata);
  if (bytes.length === expected) {
    // What else a byte of BOOL may be, no executor says.
    const wrong = metadata.datatype === 'BOOL' ? bytes.findIndex((byte) => byte > 1) : -1;
    if (wrong === -1) return bytes;
    const what = `Byte ${wrong} of ${quote(metadata.name)} is ${bytes[wrong]}, which is no BOOL`;
    throw new SlacklineError('wrong_input', what);
  }
  const code = bytes.length > expected ? 'oversized_body' : 'wrong_input';
  throw new SlacklineError(
    code,
    `${what} has ${bytes.length} bytes, but one row of ${quote(metadata.name)} (${metadata.datatype} ` +
      `[${rowShape(metadata).join(', ')}]) has ${expected}`,
  );
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A JSON or msgpack body as it was written. Throws `malformed_body`. */
export function parseBody(type: ContentType, body: Uint8Array): unknown {
  try {
    return type === contentTypes.json ? JSON.parse(utf8.decode(body)) : decode(body);
  } catch (cause) {
    const form = type === contentTypes.json ? 'JSON in UTF-8' : 'msgpack';
    throw new SlacklineError('malformed_body', `The body of ${body.length} bytes is not ${form}`, { cause });
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The one input of a parsed request, as raw bytes. */
function readInput(request: unknown, metadata: TensorMetadata): Uint8Array {
  if (!isObject(request) || !Array.isArray(request.inputs)) {
    throw new SlacklineError('malformed_body', 'The body is not an object with the array "inputs"');
  }
  const inputs: unknown[] = request.inputs;
  const names = inputs.map((input) => (isObject(input) && typeof input.name === 'string' ? input.name : undefined));
  const wanted = quote(metadata.name);
  if (!names.includes(metadata.name)) {
    const found = names.length === 0 ? 'none' : list(names);
    throw new SlacklineError('wrong_input', `The input ${wanted} is missing; the query has ${found}`);
  }
  if (inputs.length > 1) throw new SlacklineError('wrong_input', `The model takes ${wanted} alone, not ${list(names)}`);
  const input = inputs[0];
  if (!isObject(input)) throw new SlacklineError('malformed_body', 'The first of "inputs" is not an object');
  checkDatatype(input.datatype, metadata);
  checkShape(input.shape, metadata);
  // msgpack can carry the row as it lies in memory.
  if (input.data instanceof Uint8Array) return rawRow(input.data, metadata, `The data of ${wanted}`);
  return elementsFrom(input.data, metadata);
}

/** What a request that `readInput` has read says beside its inputs. */
function readParameters(request: unknown): Readonly<Record<string, unknown>> {
  const parameters = isObject(request) ? (request.parameters ?? {}) : {};
  if (isObject(parameters)) return parameters;
  throw new SlacklineError('malformed_body', 'The "parameters" of the body are not an object');
}

/** The first few names, for a sentence. */
function list(names: readonly (string | undefined)[]): string {
  const shown = names.slice(0, 4).map((name) => (name === undefined ? 'one without a name' : quote(name)));
  return shown.join(', ') + (names.length > shown.length ? ` and ${names.length - shown.length} more` : '');
}

function checkDatatype(datatype: unknown, metadata: TensorMetadata): void {
  if (datatype === metadata.datatype) return;
  const found = typeof datatype === 'string' ? quote(datatype) : 'missing or not a string';
  throw new SlacklineError(
    'wrong_input',
    `The datatype of ${quote(metadata.name)} is ${found}, but must be ${metadata.datatype} (${elementBytes(metadata.datatype)} bytes)`,
  );
}

function checkShape(shape: unknown, metadata: TensorMetadata): void {
  const expected = rowShape(metadata);
  if (
    Array.isArray(shape) &&
    shape.length === expected.length &&
    expected.every((size, axis) => shape[axis] === size)
  ) {
    return;
  }
  const found = Array.isArray(shape) ? `[${shape.slice(0, 8).map(dimension).join(', ')}]` : 'missing or not an array';
  throw new SlacklineError(
    'wrong_input',
    `The shape of ${quote(metadata.name)} is ${found}, but must be [${expected.join(', ')}]: one row a query`,
  );
}

function dimension(size: unknown): string {
  return typeof size === 'number' ? String(size) : typeof size;
}
