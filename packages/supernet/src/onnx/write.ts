/** Model -> bytes of an ONNX file. Equal models give equal bytes. */
import { SupernetError } from '../errors.js';
import {
  type Attribute,
  bytesPerElement,
  dataTypeCode,
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
  type RawNode,
  type RawTensor,
  type RawValueInfo,
} from './schema.js';

const MAX_PROTOBUF_BYTES = 2 ** 31 - 1;
/** TensorProto.DataLocation. */
const EXTERNAL = 1;
const encoder = new TextEncoder();

/** @throws SupernetError `model-too-large` */
export function writeModel(model: Model): Uint8Array {
  const held = [...model.graph.initializers.values()].reduce((sum, tensor) => sum + tensor.bytes.byteLength, 0);
  if (held > MAX_PROTOBUF_BYTES) {
    throw new SupernetError('model-too-large', `The model's tensors hold ${held} bytes; an ONNX file ends at 2 GiB.`);
  }
  const raw = {
    irVersion: model.irVersion,
    producerName: 'slackline',
    opsetImport: [...model.opsets].map(([domain, version]) => ({ domain, version })),
    graph: writeGraph(model.graph),
  };
  return ModelMessage.encode(raw).finish();
}

function writeGraph(graph: Graph): RawGraph {
  return {
    name: graph.name,
    node: graph.nodes.map(writeNode),
    initializer: [...graph.initializers].map(([name, tensor]) => ({ name, ...writeTensor(tensor) })),
    input: graph.inputs.map(writeValue),
    output: graph.outputs.map(writeValue),
  };
}

function writeNode(node: Node): RawNode {
  return {
    input: node.inputs,
    output: node.outputs,
    name: node.name,
    opType: node.op,
    domain: node.domain,
    attribute: Object.entries(node.attributes).map(([name, value]) => ({ name, ...writeAttribute(value) })),
  };
}

function writeAttribute(attribute: Attribute): RawAttribute {
  switch (attribute.kind) {
    case 'float':
      return { type: AttributeType.FLOAT, f: attribute.value };
    case 'int':
      return { type: AttributeType.INT, i: attribute.value };
    case 'string':
      return { type: AttributeType.STRING, s: encoder.encode(attribute.value) };
    case 'tensor':
      return { type: AttributeType.TENSOR, t: writeTensor(attribute.value) };
    case 'graph':
      return { type: AttributeType.GRAPH, g: writeGraph(attribute.value) };
    case 'floats':
      return { type: AttributeType.FLOATS, floats: attribute.value };
    case 'ints':
      return { type: AttributeType.INTS, ints: attribute.value };
    case 'strings':
      return { type: AttributeType.STRINGS, strings: attribute.value.map((text) => encoder.encode(text)) };
  }
}

function writeTensor(tensor: Tensor): RawTensor {
  const { dims, type, bytes, external } = tensor;
  const dataType = dataTypeCode(type);
  if (external === undefined) return { dims, dataType, rawData: bytes };
  const entries = {
    location: external.file,
    offset: String(external.offset),
    length: String(elements(dims) * bytesPerElement(type)),
  };
  const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
  return { dims, dataType, dataLocation: EXTERNAL, externalData };
}

function writeValue(value: Value): RawValueInfo {
  const elemType = dataTypeCode(value.type);
  if (value.dims === undefined) return { name: value.name, type: { tensorType: { elemType } } };
  const dim = value.dims.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name: value.name, type: { tensorType: { elemType, shape: { dim } } } };
}
