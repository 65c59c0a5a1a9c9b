/**
 * SubnetNorm: a normalization with known statistics is `x * scale + shift` per channel, and right after a convolution
 * it disappears into the weight and the bias.
 */
import { SupernetError } from './errors.js';
import { type HostedSubnet, normName } from './norms.js';
import { floats, type Node } from './onnx/model.js';
import { attribute } from './ops/handler.js';
import { cutTensor } from './slice.js';
import type { SubnetConfig } from './spec.js';
import type { Supernet } from './supernet.js';

export interface ScaleShift {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

/** Scale and shift of a normalization in a subnet; undefined when it does not run there. */
export function scaleShift(
  supernet: Supernet,
  norm: Node,
  { config, statistics }: Pick<HostedSubnet, 'config' | 'statistics'>,
): ScaleShift | undefined {
  const own = Object.hasOwn(statistics, normName(norm)) ? statistics[normName(norm)] : undefined;
  if (own === undefined) return undefined;
  const gamma = parameter(supernet, norm, 1, config);
  const beta = parameter(supernet, norm, 2, config);
  const epsilon = attribute(norm, 'epsilon', 'float', 1e-5);
  const scale = own.variance.map((variance, c) => (gamma[c] ?? 1) / Math.sqrt(variance + epsilon));
  const shift = own.mean.map((mean, c) => (beta[c] ?? 0) - mean * (scale[c] ?? 0));
  return { scale, shift };
}

function parameter({ model, followed }: Supernet, node: Node, index: number, config: SubnetConfig): Float32Array {
  const name = node.inputs[index] ?? '';
  const tensor = model.graph.initializers.get(name);
  if (tensor?.type !== 'float32') {
    throw new SupernetError('unsupported-model', `${name} is ${tensor?.type ?? 'missing'}, not a float32 constant.`);
  }
  return floats(cutTensor(tensor, followed.cuts.get(node)?.get(index) ?? [], config));
}

/**
 * For each node whose output one single node reads, and nothing else needs (graph outputs, ends of blocks): that
 * reader. Only such pairs can be fused.
 */
export function soleReaders({ model, spec, outputs }: Supernet): Map<Node, Node> {
  const readers = new Map<string, Node[]>();
  for (const node of model.graph.nodes) {
    for (const name of node.inputs) {
      const known = readers.get(name);
      if (known === undefined) readers.set(name, [node]);
      else known.push(node);
    }
  }
  const ends = Object.values(spec.depth).flatMap(({ blocks }) => blocks.flatMap(({ from, to }) => [from, to]));
  const kept = new Set([...ends, ...outputs.map(({ name }) => name)]);
  const sole = new Map<Node, Node>();
  for (const node of model.graph.nodes) {
    const output = node.outputs[0] ?? '';
    const [reader, ...others] = readers.get(output) ?? [];
    if (reader !== undefined && others.length === 0 && !kept.has(output)) sole.set(node, reader);
  }
  return sole;
}

/** The normalization that alone reads a convolution's output, for every convolution that has one. */
export function foldedNorms(supernet: Supernet): Map<Node, Node> {
  const pairs = [...soleReaders(supernet)];
  return new Map(pairs.filter(([node, reader]) => node.op === 'Conv' && reader.op === 'BatchNormalization'));
}
