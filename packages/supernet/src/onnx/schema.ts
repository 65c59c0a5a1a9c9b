/**
 * The messages of ONNX that the compiler reads and writes, with their field numbers from the ONNX specification
 * (https://onnx.ai/onnx/repo-docs/IR.html). Fields that are left out here are dropped on reading.
 */
import protobuf from 'protobufjs';

const one = (id: number, type: string) => ({ id, type });
const many = (id: number, type: string) => ({ id, type, rule: 'repeated' });
const unpacked = (id: number, type: string) => ({ id, type, rule: 'repeated', options: { packed: false } });

const root = protobuf.Root.fromJSON({
  nested: {
    Model: {
      fields: {
        irVersion: one(1, 'int64'),
        producerName: one(2, 'string'),
        graph: one(7, 'Graph'),
        opsetImport: many(8, 'OperatorSet'),
        functions: many(25, 'Function'),
      },
    },
    OperatorSet: { fields: { domain: one(1, 'string'), version: one(2, 'int64') } },
    Function: { fields: { name: one(1, 'string') } },
    Graph: {
      fields: {
        node: many(1, 'Node'),
        name: one(2, 'string'),
        initializer: many(5, 'Tensor'),
        input: many(11, 'ValueInfo'),
        output: many(12, 'ValueInfo'),
        sparseInitializer: many(15, 'SparseTensor'),
      },
    },
    SparseTensor: { fields: {} },
    Node: {
      fields: {
        input: many(1, 'string'),
        output: many(2, 'string'),
        name: one(3, 'string'),
        opType: one(4, 'string'),
        attribute: many(5, 'Attribute'),
        domain: one(7, 'string'),
      },
    },
    Attribute: {
      fields: {
        name: one(1, 'string'),
        f: one(2, 'float'),
        i: one(3, 'int64'),
        s: one(4, 'bytes'),
        t: one(5, 'Tensor'),
        g: one(6, 'Graph'),
        floats: unpacked(7, 'float'),
        ints: unpacked(8, 'int64'),
        strings: many(9, 'bytes'),
        type: one(20, 'int32'),
      },
    },
    Tensor: {
      fields: {
        dims: unpacked(1, 'int64'),
        dataType: one(2, 'int32'),
        // Packed numbers, left as bytes: as JavaScript numbers they would take many times the memory.
        floatData: many(4, 'bytes'),
        int32Data: many(5, 'bytes'),
        int64Data: many(7, 'bytes'),
        name: one(8, 'string'),
        rawData: one(9, 'bytes'),
        doubleData: many(10, 'bytes'),
        externalData: many(13, 'Entry'),
        dataLocation: one(14, 'int32'),
      },
    },
    Entry: { fields: { key: one(1, 'string'), value: one(2, 'string') } },
    ValueInfo: { fields: { name: one(1, 'string'), type: one(2, 'Type') } },
    Type: { fields: { tensorType: one(1, 'TensorType') } },
    TensorType: { fields: { elemType: one(1, 'int32'), shape: one(2, 'Shape') } },
    Shape: { fields: { dim: many(1, 'Dimension') } },
    Dimension: { fields: { dimValue: one(1, 'int64'), dimParam: one(2, 'string') } },
  },
});

export const ModelMessage = root.lookupType('Model');

/** Values of AttributeProto.type. */
export const AttributeType = {
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  GRAPH: 5,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
} as const;

/** The messages as protobufjs decodes them with `longs: Number` and no defaults: an absent field is undefined. */
export interface RawModel {
  irVersion?: number;
  producerName?: string;
  graph?: RawGraph;
  opsetImport?: { domain?: string; version?: number }[];
  functions?: { name?: string }[];
}

export interface RawGraph {
  node?: RawNode[];
  name?: string;
  initializer?: RawTensor[];
  input?: RawValueInfo[];
  output?: RawValueInfo[];
  sparseInitializer?: unknown[];
}

export interface RawNode {
  input?: string[];
  output?: string[];
  name?: string;
  opType?: string;
  attribute?: RawAttribute[];
  domain?: string;
}

export interface RawAttribute {
  name?: string;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: RawTensor;
  g?: RawGraph;
  floats?: number[];
  ints?: number[];
  strings?: Uint8Array[];
  type?: number;
}

export interface RawTensor {
  dims?: number[];
  dataType?: number;
  /** Packed, in any number of chunks. */
  floatData?: Uint8Array[];
  int32Data?: Uint8Array[];
  int64Data?: Uint8Array[];
  doubleData?: Uint8Array[];
  name?: string;
  rawData?: Uint8Array;
  externalData?: { key?: string; value?: string }[];
  dataLocation?: number;
}

export interface RawValueInfo {
  name?: string;
  type?: { tensorType?: { elemType?: number; shape?: { dim?: { dimValue?: number; dimParam?: string }[] } } };
}
