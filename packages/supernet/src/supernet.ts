/**
 * A supernet: an ONNX graph and what the compiler found out about it. Everything else in this package starts here.
 */
import { describeAxis, isFixed, sameAxis } from './axes.js';
import { arrange, type Depths, runs } from './depth.js';
import { SupernetError } from './errors.js';
import { checkNormalized } from './folded.js';
import { type Followed, follow } from './follow.js';
import type { DataType, Model, Node, Value } from './onnx/model.js';
import { readModel } from './onnx/read.js';
import { type ElasticSpec, readSpec, type SubnetConfig } from './spec.js';

/** The oldest operator set that the compiled graphs can be written in, and the newest that was tried. */
const OPSETS = { oldest: 13, newest: 22 };

/** What the names of control inputs, and of weights that are fed or mapped, begin with. */
const RESERVED = /^slackline[./]/;

/** An input or output: name, ONNX Runtime's name of the data type, and shape with -1 for the rows of a batch. */
export interface TensorSignature {
  readonly name: string;
  readonly datatype: DataType;
  readonly shape: readonly number[];
}

/** A group of the elastic spec with the sizes it may take, ascending. */
export interface ElasticGroup {
  readonly name: string;
  readonly kind: 'channels' | 'depth';
  readonly sizes: readonly number[];
}

export interface Supernet {
  readonly spec: ElasticSpec;
  /** Exactly one. */
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
  /** Channel groups in the spec's order, then depth groups. */
  readonly groups: readonly ElasticGroup[];
  readonly model: Model;
  readonly followed: Followed;
  readonly depths: Depths;
}

/**
 * Reads an ONNX file and its elastic spec, and checks the one against the other.
 * @throws SupernetError naming the node, tensor or group that is at fault, and the sizes
 */
export function readSupernet(onnx: Uint8Array, spec: unknown): Supernet {
  return analyse(readModel(onnx), spec);
}

/** As readSupernet, for a model already in memory. */
export function analyse(model: Model, unchecked: unknown): Supernet {
  const spec = readSpec(unchecked);
  const opset = model.opsets.get('') ?? 0;
  if (opset < OPSETS.oldest || opset > OPSETS.newest) {
    const range = `${OPSETS.oldest} to ${OPSETS.newest}`;
    throw new SupernetError('unsupported-model', `The model uses opset ${opset}; supported are ${range}.`);
  }
  const { inputs, outputs, nodes, initializers } = model.graph;
  if (inputs.length !== 1) {
    const names = inputs.map((input) => input.name).join(', ') || 'none';
    throw new SupernetError('unsupported-model', `The model must have exactly one input; it has ${names}.`);
  }
  const names = [...inputs.map(({ name }) => name), ...initializers.keys(), ...nodes.flatMap((node) => node.outputs)];
  const taken = names.find((name) => RESERVED.test(name));
  if (taken !== undefined) {
    throw new SupernetError('unsupported-model', `${taken} is a name that the compiler keeps to itself.`);
  }
  if (outputs.length === 0) throw new SupernetError('corrupt-model', 'The model has no output.');
  const followed = follow(model, spec);
  const depths = arrange(
    outputs.map(({ name }) => name),
    followed,
    spec,
  );
  checkNormalized(followed, depths, spec);
  return {
    spec,
    inputs: inputs.map((input) => signature(input, followed)),
    outputs: outputs.map((output) => outputSignature(output, followed)),
    groups: [
      ...Object.entries(spec.channels).map(([name, { sizes }]) => ({ name, kind: 'channels' as const, sizes })),
      ...Object.entries(spec.depth).map(([name, { depths: sizes }]) => ({ name, kind: 'depth' as const, sizes })),
    ],
    model: {
      ...model,
      graph: { ...model.graph, nodes: [...followed.nodes], initializers: followed.initializers },
    },
    followed,
    depths,
  };
}

function signature({ name }: Value, { tensors }: Followed): TensorSignature {
  const info = tensors.get(name);
  if (info === undefined) throw new SupernetError('corrupt-model', `The output ${name} is computed by no node.`);
  return { name, datatype: info.type, shape: info.dims };
}

function outputSignature(output: Value, followed: Followed): TensorSignature {
  const found = signature(output, followed);
  const [rows = [], ...others] = followed.tensors.get(output.name)?.axes ?? [];
  const elastic = others.find((axis) => !isFixed(axis));
  if (elastic !== undefined) {
    const sizes = describeAxis(elastic);
    throw new SupernetError('invalid-spec', `The output ${output.name} would change its shape with ${sizes}.`);
  }
  if (!sameAxis(rows, ['rows'])) {
    throw new SupernetError(
      'unsupported-model',
      `The first axis of output ${output.name} is not the rows of the batch.`,
    );
  }
  if (found.datatype !== 'float32') {
    throw new SupernetError('unsupported-model', `The output ${output.name} is ${found.datatype}, not float32.`);
  }
  return found;
}

/** The nodes that run in a subnet, in order. */
export function activeNodes(supernet: Supernet, config: SubnetConfig): Node[] {
  return supernet.model.graph.nodes.filter((node) => runs(supernet.depths.places.get(node), config));
}
