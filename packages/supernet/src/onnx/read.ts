/** Bytes of an ONNX file -> Model. Whatever is missing or of an unknown kind is refused by name. */
import { SupernetError } from '../errors.js';
import {
  type Attribute,
  bytesPerElement,
  type DataType,
  dataType,
  elements,
  floatTensor,
  type Graph,
  int64Tensor,
  type Model,
  type Node,
  type Tensor,
  type Value,
} from './model.js';
import { scanModel } from './scan.js';
import {
  AttributeType,
  ModelMessage,
  type RawAttribute,
  type RawGraph,
  type RawModel,
  type RawNode,
  type RawTensor,
  type RawValueInfo,
} from './schema.js';

const MAX_PROTOBUF_BYTES = 2 ** 31 - 1;
/** Sizes of one tensor in the file; the compiler takes fewer axes still. */
const MAX_SIZES = 32;
const decoder = new TextDecoder();

/**
 * @throws SupernetError `corrupt-model`, `model-too-large`, `unsupported-model`
 */
export function readModel(bytes: Uint8Array): Model {
  if (bytes.byteLength > MAX_PROTOBUF_BYTES) {
    throw new SupernetError('model-too-large', `The model has ${bytes.byteLength} bytes; an ONNX file ends at 2 GiB.`);
  }
  scanModel(bytes);
  const raw = decode(bytes);
  if (raw.graph?.node === undefined || raw.opsetImport === undefined) {
    throw new SupernetError('corrupt-model', 'The file is no ONNX model: it holds no graph or names no opset.');
  }
  const [local] = raw.functions ?? [];
  if (local !== undefined) {
    throw new SupernetError(
      'unsupported-model',
      `The model defines the function ${local.name ?? '?'}; inline it first.`,
    );
  }
  return {
    irVersion: raw.irVersion ?? 0,
    opsets: new Map(raw.opsetImport.map((opset) => [opset.domain ?? '', opset.version ?? 0])),
    graph: readGraph(raw.graph),
  };
}

function decode(bytes: Uint8Array): RawModel {
  try {
    // A Buffer would make every tensor a Buffer, whose methods differ from those of Uint8Array.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return ModelMessage.toObject(ModelMessage.decode(plain), { longs: Number }) as RawModel;
  } catch (cause) {
    throw new SupernetError('corrupt-model', 'The file is no ONNX model: its protobuf cannot be decoded.', { cause });
  }
}

function readGraph(raw: RawGraph): Graph {
  if (raw.sparseInitializer !== undefined) {
    throw new SupernetError('unsupported-model', 'The model has sparse initializers; store them dense.');
  }
  const initializers = new Map<string, Tensor>();
  const hold = (name: string, tensor: Tensor): void => {
    if (name === '') throw new SupernetError('corrupt-model', 'The model holds a tensor without a name.');
    if (initializers.has(name)) throw new SupernetError('corrupt-model', `The model holds tensor ${name} twice.`);
    initializers.set(name, tensor);
  };
  for (const tensor of raw.initializer ?? []) hold(tensor.name ?? '', readTensor(tensor, tensor.name ?? '?'));
  const nodes: Node[] = [];
  for (const node of (raw.node ?? []).map(readNode)) {
    if (node.op === 'Constant' && node.domain === '') hold(node.outputs[0] ?? '', constant(node));
    else nodes.push(node);
  }
  const inputs = (raw.input ?? []).filter((input) => !initializers.has(input.name ?? ''));
  return {
    name: raw.name ?? '',
    inputs: inputs.map(readValue),
    outputs: (raw.output ?? []).map(readValue),
    nodes,
    initializers,
  };
}

function constant(node: Node): Tensor {
  const [value, ...others] = Object.values(node.attributes);
  if (others.length === 0) {
    if (value?.kind === 'tensor') return value.value;
    if (value?.kind === 'float') return floatTensor([], [value.value]);
    if (value?.kind === 'floats') return floatTensor([value.value.length], value.value);
    if (value?.kind === 'int') return int64Tensor([], [value.value]);
    if (value?.kind === 'ints') return int64Tensor([value.value.length], value.value);
  }
  throw new SupernetError('unsupported-model', `The constant ${node.outputs[0]} is not given as a tensor.`);
}

function readNode(raw: RawNode): Node {
  const attributes = (raw.attribute ?? []).map((attribute): [string, Attribute] => [
    attribute.name ?? '',
    readAttribute(attribute, raw.name ?? raw.opType ?? '?'),
  ]);
  return {
    op: raw.opType ?? '',
    domain: raw.domain === 'ai.onnx' ? '' : (raw.domain ?? ''),
    name: raw.name ?? '',
    inputs: raw.input ?? [],
    outputs: raw.output ?? [],
    attributes: Object.fromEntries(attributes),
  };
}

function readAttribute(raw: RawAttribute, node: string): Attribute {
  switch (raw.type) {
    case AttributeType.FLOAT:
      return { kind: 'float', value: raw.f ?? 0 };
    case AttributeType.INT:
      return { kind: 'int', value: raw.i ?? 0 };
    case AttributeType.STRING:
      return { kind: 'string', value: decoder.decode(raw.s ?? new Uint8Array(0)) };
    case AttributeType.TENSOR:
      return { kind: 'tensor', value: readTensor(raw.t ?? {}, node) };
    case AttributeType.GRAPH:
      return { kind: 'graph', value: readGraph(raw.g ?? {}) };
    case AttributeType.FLOATS:
      return { kind: 'floats', value: raw.floats ?? [] };
    case AttributeType.INTS:
      return { kind: 'ints', value: raw.ints ?? [] };
    case AttributeType.STRINGS:
      return { kind: 'strings', value: (raw.strings ?? []).map((bytes) => decoder.decode(bytes)) };
    default:
      throw new SupernetError('unsupported-model', `Node ${node}: attribute ${raw.name} has type ${raw.type}.`);
  }
}

function readTensor(raw: RawTensor, name: string): Tensor {
  const type = dataType(raw.dataType ?? 0);
  if (type === undefined) {
    throw new SupernetError(
      'unsupported-model',
      `Tensor ${name} has data type ${raw.dataType}, which is not supported.`,
    );
  }
  if (raw.dataLocation === 1) {
    throw new SupernetError(
      'unsupported-model',
      `Tensor ${name} lies in an external file; save the model as one file.`,
    );
  }
  const dims = raw.dims ?? [];
  if (dims.length > MAX_SIZES || dims.some((size) => !(Number.isSafeInteger(size) && size >= 0))) {
    throw new SupernetError('corrupt-model', `Tensor ${name} has the shape [${dims.slice(0, MAX_SIZES)}].`);
  }
  const bytes = raw.rawData ?? packValues(raw, type, elements(dims));
  const expected = elements(dims) * bytesPerElement(type);
  if (bytes.byteLength !== expected) {
    throw new SupernetError(
      'corrupt-model',
      `Tensor ${name} of shape [${dims}] should have ${expected} bytes and has ${bytes.byteLength}.`,
    );
  }
  return { type, dims, bytes };
}

/**
 * The typed value fields that a tensor may use instead of raw bytes; floats are packed as they lie in memory. Of the
 * others no more than `count` are unpacked, as each may be eight times as large as in the file.
 */
function packValues(raw: RawTensor, type: DataType, count: number): Uint8Array {
  if (type === 'float32') return joined(raw.floatData);
  if (type === 'float64') return joined(raw.doubleData);
  const packed = joined(type === 'int64' ? raw.int64Data : raw.int32Data);
  const size = bytesPerElement(type);
  const there = packed.reduce((numbers, byte) => numbers + (byte < 128 ? 1 : 0), 0);
  if (there !== count) throw new SupernetError('corrupt-model', `Tensor ${raw.name ?? '?'} has ${there} numbers.`);
  const out = new DataView(new ArrayBuffer(count * size));
  let at = 0;
  for (const value of varints(packed)) {
    if (size === 8) out.setBigInt64(at, value, true);
    else if (size === 4) out.setInt32(at, Number(BigInt.asIntN(32, value)), true);
    else if (size === 2) out.setInt16(at, Number(BigInt.asIntN(16, value)), true);
    else out.setInt8(at, Number(BigInt.asIntN(8, value)));
    at += size;
  }
  return new Uint8Array(out.buffer);
}

function joined(chunks: readonly Uint8Array[] = []): Uint8Array {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : new Uint8Array(Buffer.concat(chunks));
}

/** Numbers of up to 64 bits in protobuf's variable-length form; the short ones without BigInt, which is slow. */
function* varints(bytes: Uint8Array): Generator<bigint> {
  let [low, high, digit] = [0, 0n, 0];
  for (const byte of bytes) {
    if (digit < 7) low += (byte & 127) * 2 ** (7 * digit);
    else if (digit < 10) high |= BigInt(byte & 127) << BigInt(7 * digit);
    digit++;
    if (byte >= 128) continue;
    yield digit <= 7 ? BigInt(low) : BigInt.asIntN(64, high | BigInt(low));
    [low, high, digit] = [0, 0n, 0];
  }
}

function readValue(raw: RawValueInfo): Value {
  const tensor = raw.type?.tensorType;
  const type = dataType(tensor?.elemType ?? 0);
  if (type === undefined) {
    throw new SupernetError('unsupported-model', `${raw.name ?? '?'} is no tensor of a supported type.`);
  }
  const dims = tensor?.shape === undefined ? undefined : (tensor.shape.dim ?? []);
  return {
    name: raw.name ?? '',
    type,
    dims: dims?.map((dim, i) =>
      dim.dimValue !== undefined && dim.dimValue > 0 ? dim.dimValue : dim.dimParam || `d${i}`,
    ),
  };
}
