/** Outputs of one query, after the Open Inference Protocol: the worker encodes them, the client decodes them. */
import { type Datatype, datatypes, type TensorMetadata } from './catalog.js';
import { encode } from './codec.js';
import { SlacklineError } from './errors.js';
import { contentTypes } from './headers.js';
import { contentTypeOf, parseBody } from './open-inference.js';
import { quote } from './quote.js';
import {
  bytesOf,
  elementBytes,
  elementsOf,
  newTensorData,
  rowBytes,
  rowShape,
  type Tensor,
  type TensorData,
} from './tensors.js';

/** One output of one query, as the executor computed it. */
export interface OutputRow {
  metadata: TensorMetadata;
  data: TensorData;
}

/**
 * The outputs of one query as the scheduler frames them (see answers.ts): raw little-endian bytes one after another, or
 * the array `[{ name, shape, datatype, data }]` in JSON (what JSON cannot say, NaN and infinities, is null) or msgpack
 * (`data` as bin). Throws `unsupported_content_type`.
 */
export function encodeOutputs(contentType: string, outputs: readonly OutputRow[]): Uint8Array {
  const type = contentTypeOf(contentType);
  if (type === contentTypes.bytes) {
    const [only] = outputs;
    return outputs.length === 1 && only ? bytesOf(only.data) : Buffer.concat(outputs.map(({ data }) => bytesOf(data)));
  }
  const described = (output: OutputRow) => ({
    name: output.metadata.name,
    shape: rowShape(output.metadata),
    datatype: output.metadata.datatype,
  });
  if (type === contentTypes.msgpack) return encode(outputs.map((o) => ({ ...described(o), data: bytesOf(o.data) })));
  const texts = outputs.map((output) => {
    const head = JSON.stringify(described(output));
    return `${head.slice(0, -1)},"data":[${jsonElements(output)}]}`;
  });
  return Buffer.from(`[${texts.join(',')}]`);
}

function jsonElements({ metadata, data }: OutputRow): string {
  // Digits of an INT64 stay exact this way; numbers of JavaScript would round them.
  if (data instanceof BigInt64Array) return data.join(',');
  if (metadata.datatype === 'BOOL') return Array.from(data, (element) => element !== 0).join(',');
  return JSON.stringify(Array.from(data)).slice(1, -1);
}

/**
 * The outputs in an answer's body. Raw bytes are cut as `metadata` says (without it there are no tensors to name); JSON
 * and msgpack describe themselves. Throws `malformed_body` when the body is not what its content type says.
 */
export function decodeOutputs(
  contentType: string,
  body: Uint8Array,
  metadata: readonly TensorMetadata[] | undefined,
): Tensor[] {
  const type = contentTypeOf(contentType);
  if (type === contentTypes.bytes) return metadata === undefined ? [] : cutOutputs(body, metadata);
  const answer = parseBody(type, body);
  const outputs = typeof answer === 'object' && answer !== null && 'outputs' in answer ? answer.outputs : undefined;
  if (!Array.isArray(outputs)) throw new SlacklineError('malformed_body', 'The answer has no outputs');
  return outputs.map(readOutput);
}

function cutOutputs(body: Uint8Array, metadata: readonly TensorMetadata[]): Tensor[] {
  const sizes = metadata.map(rowBytes);
  const expected = sizes.reduce((sum, size) => sum + size, 0);
  if (body.length !== expected) {
    throw new SlacklineError('malformed_body', `The answer has ${body.length} bytes; its outputs have ${expected}`);
  }
  let offset = 0;
  return metadata.map((output, index) => {
    const end = offset + (sizes[index] ?? 0);
    const data = elementsOf(output.datatype, body.subarray(offset, end));
    offset = end;
    return { name: output.name, datatype: output.datatype, shape: rowShape(output), data };
  });
}

const isDatatype = (value: unknown): value is Datatype => datatypes.some((datatype) => datatype === value);

function readOutput(output: unknown): Tensor {
  const { name, datatype, shape, data } = (output ?? {}) as Partial<Record<string, unknown>>;
  if (typeof name !== 'string' || !isDatatype(datatype) || !Array.isArray(shape)) {
    throw new SlacklineError('malformed_body', 'An output of the answer lacks its name, datatype or shape');
  }
  const elements = shape.reduce((product: number, size) => product * (Number.isInteger(size) ? size : Number.NaN), 1);
  const found =
    data instanceof Uint8Array ? data.length / elementBytes(datatype) : Array.isArray(data) ? data.length : -1;
  if (found !== elements) {
    const what = `The output ${quote(name)} has ${found < 0 ? 'no data' : `${found} elements`}`;
    throw new SlacklineError('malformed_body', `${what}, and not the ${elements} of its shape`);
  }
  if (data instanceof Uint8Array) return { name, datatype, shape, data: elementsOf(datatype, data) };
  const target = newTensorData(datatype, found).data;
  (data as unknown[]).forEach((value, index) => {
    const number = value === null ? Number.NaN : Number(value);
    if (target instanceof BigInt64Array) target[index] = wholeNumber(number, name);
    else target[index] = number;
  });
  return { name, datatype, shape, data: target };
}

function wholeNumber(value: number, name: string): bigint {
  if (Number.isInteger(value)) return BigInt(value);
  throw new SlacklineError('malformed_body', `An element of the output ${quote(name)} is no whole number`);
}
