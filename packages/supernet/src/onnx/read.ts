/** Bytes of an ONNX file -> Model. Whatever is missing or of an unknown kind is refused by name. */
import { SupernetError } from '../errors.js';
import {
  type Attribute,
  bytesPerElement,
  type DataType,
  dataType,
  elements,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type Value,
} from './model.js';
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
const decoder = new TextDecoder();

/**
 * @throws SupernetError `corrupt-model`, `model-too-large`, `unsupported-model`
 */
export function readModel(bytes: Uint8Array): Model {
  if (bytes.byteLength > MAX_PROTOBUF_BYTES) {
    throw new SupernetError('model-too-large', `The model has ${bytes.byteLength} bytes; an ONNX file ends at 2 GiB.`);
  }
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
  for (const tensor of raw.initializer ?? [])
    initializers.set(tensor.name ?? '', readTensor(tensor, tensor.name ?? '?'));
  const nodes: Node[] = [];
  for (const node of (raw.node ?? []).map(readNode)) {
    if (node.op === 'Constant' && node.domain === '') initializers.set(node.outputs[0] ?? '', constant(node));
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
  const { value } = node.attributes;
  if (value?.kind === 'tensor') return value.value;
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
      return { kind: 'string', value: decoder.decode(raw.s) };
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
  const bytes = raw.rawData ?? packValues(raw, type);
  const expected = elements(dims) * bytesPerElement(type);
  if (bytes.byteLength !== expected) {
    throw new SupernetError(
      'corrupt-model',
      `Tensor ${name} of shape [${dims}] should have ${expected} bytes and has ${bytes.byteLength}.`,
    );
  }
  return { type, dims, bytes };
}

/** The typed value fields that a tensor may use instead of raw bytes. */
function packValues(raw: RawTensor, type: DataType): Uint8Array {
  if (type === 'float32') return new Uint8Array(Float32Array.from(raw.floatData ?? []).buffer);
  if (type === 'float64') return new Uint8Array(Float64Array.from(raw.doubleData ?? []).buffer);
  if (type === 'int64') return new Uint8Array(BigInt64Array.from(raw.int64Data ?? [], BigInt).buffer);
  const values = raw.int32Data ?? [];
  if (bytesPerElement(type) === 1) return Uint8Array.from(values);
  return new Uint8Array((bytesPerElement(type) === 2 ? Uint16Array.from(values) : Int32Array.from(values)).buffer);
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
