/** Tensors in memory: how large one row of a model's input or output is, and the typed array of each datatype. */
import type { Datatype, TensorMetadata } from './catalog.js';
import { SlacklineError } from './errors.js';

/** The elements of a tensor. BOOL is a Uint8Array of 0 and 1. The hosts that Node runs on here are little-endian. */
export type TensorData = Uint8Array | Int8Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array;

/** One row of a named tensor, with its elements. */
export interface Tensor {
  name: string;
  datatype: Datatype;
  /** The first dimension is 1. */
  shape: number[];
  data: TensorData;
}

const arrays = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP32: Float32Array,
  FP64: Float64Array,
} as const;

/** Bytes of one element. */
export function elementBytes(datatype: Datatype): number {
  return arrays[datatype].BYTES_PER_ELEMENT;
}

/** The shape of one row: `[1, …]`. */
export function rowShape(metadata: TensorMetadata): number[] {
  return [1, ...metadata.shape.slice(1)];
}

/** No message can be larger than 64 MiB, and no row is worth more memory. */
const mostElements = 2 ** 26;

/** Elements of one row. Throws `invalid_model` when a dimension beside the rows is not fixed, or no message can hold them. */
export function rowElements(metadata: TensorMetadata): number {
  let elements = 1;
  for (let axis = 1; axis < metadata.shape.length; axis++) elements *= metadata.shape[axis] ?? 0;
  const isFixed = elements >= 1 && metadata.shape.every((size, axis) => axis === 0 || size >= 1);
  if (isFixed && elements <= mostElements) return elements;
  throw new SlacklineError(
    'invalid_model',
    `The tensor ${metadata.name} has the shape [${metadata.shape.join(', ')}], ${isFixed ? 'more than a message can hold' : 'whose dimensions after the first are not fixed'}`,
  );
}

/** Bytes of one row. Throws `invalid_model` as `rowElements` does. */
export function rowBytes(metadata: TensorMetadata): number {
  return rowElements(metadata) * elementBytes(metadata.datatype);
}

/** Room for `elements` elements, and the same memory as bytes. */
export function newTensorData(datatype: Datatype, elements: number): { data: TensorData; bytes: Uint8Array } {
  const data = new arrays[datatype](elements);
  return { data, bytes: bytesOf(data) };
}

/** The memory of a typed array as bytes; no copy. */
export function bytesOf(data: TensorData): Uint8Array {
  return data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Little-endian bytes as elements; copied only where they do not lie on an element's boundary. */
export function elementsOf(datatype: Datatype, bytes: Uint8Array): TensorData {
  const size = elementBytes(datatype);
  // Not slice(): a Buffer would give the same memory again.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new arrays[datatype](aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size);
}
