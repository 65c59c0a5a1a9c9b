/** An ONNX model as the compiler handles it: plain objects, tensors as little-endian bytes, `Constant` nodes gone. */

/** Element types by ONNX's number (TensorProto.DataType), named as ONNX Runtime names them. */
const DATA_TYPES = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
} as const;

export type DataType = (typeof DATA_TYPES)[keyof typeof DATA_TYPES];

const BYTES_PER_ELEMENT: Record<DataType, number> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
  uint32: 4,
  uint64: 8,
};

/** A constant: `bytes` are its elements in row-major order, little-endian. */
export interface Tensor {
  type: DataType;
  dims: number[];
  bytes: Uint8Array;
  /** The elements lie in a file beside the model instead, from `offset` bytes on; `bytes` is empty then. */
  external?: { file: string; offset: number };
}

interface AttributeValues {
  int: number;
  float: number;
  string: string;
  ints: number[];
  floats: number[];
  strings: string[];
  tensor: Tensor;
  graph: Graph;
}

export type AttributeKind = keyof AttributeValues;
export type AttributeValue<K extends AttributeKind> = AttributeValues[K];
export type Attribute = { [K in AttributeKind]: { kind: K; value: AttributeValues[K] } }[AttributeKind];

export interface Node {
  op: string;
  /** '' is ONNX's own operators. */
  domain: string;
  name: string;
  /** Tensor names; '' stands for an optional input left out. */
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
}

/** A graph's input or output; a string is a size known only at run time. `dims` undefined: not stated. */
export interface Value {
  name: string;
  type: DataType;
  dims: (number | string)[] | undefined;
}

export interface Graph {
  name: string;
  inputs: Value[];
  outputs: Value[];
  nodes: Node[];
  initializers: Map<string, Tensor>;
}

export interface Model {
  irVersion: number;
  /** Version of each operator domain. */
  opsets: Map<string, number>;
  graph: Graph;
}

/** The type of an ONNX type number; undefined for the types that the compiler does not handle. */
export function dataType(code: number): DataType | undefined {
  return (DATA_TYPES as Record<number, DataType>)[code];
}

/** ONNX's number of a type. */
export function dataTypeCode(type: DataType): number {
  const found = Object.entries(DATA_TYPES).find(([, name]) => name === type);
  return Number(found?.[0]);
}

export function bytesPerElement(type: DataType): number {
  return BYTES_PER_ELEMENT[type];
}

/** Product of all sizes: the number of elements. */
export function elements(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

/** The values of a float32 tensor, as a view where the bytes are aligned, else as a copy. */
export function floats(tensor: Tensor): Float32Array {
  const { bytes } = tensor;
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Float32Array(aligned.buffer, aligned.byteOffset, bytes.byteLength / 4);
}

/** The values of an int64 tensor as numbers. */
export function integers(tensor: Tensor): number[] {
  const view = new DataView(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.byteLength);
  return Array.from({ length: elements(tensor.dims) }, (_, i) => Number(view.getBigInt64(8 * i, true)));
}

export function floatTensor(dims: number[], values: ArrayLike<number>): Tensor {
  return { type: 'float32', dims, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

export function int64Tensor(dims: number[], values: readonly number[]): Tensor {
  return { type: 'int64', dims, bytes: new Uint8Array(BigInt64Array.from(values, BigInt).buffer) };
}

/** A node; attribute numbers become `int`, arrays `ints`, strings `string`, and the rest stays as given. */
export function makeNode(
  op: string,
  inputs: string[],
  outputs: string[],
  attributes: Record<string, number | number[] | string | Attribute> = {},
  domain = '',
): Node {
  const typed = Object.entries(attributes).map(([key, value]): [string, Attribute] => {
    if (typeof value === 'number') return [key, { kind: 'int', value }];
    if (typeof value === 'string') return [key, { kind: 'string', value }];
    return [key, Array.isArray(value) ? { kind: 'ints', value } : value];
  });
  return { op, domain, name: outputs[0] ?? '', inputs, outputs, attributes: Object.fromEntries(typed) };
}
