/**
 * Which nodes become one blocked convolution: Conv, then where present its normalization, the addition of another
 * tensor, and Relu. The fused node stands where its last member stood, so that the added tensor is there by then.
 */
import type { Node } from '../onnx/model.js';
import { foldedNorms, soleReaders } from '../subnet-norm.js';
import type { Supernet } from '../supernet.js';

export interface FusedConvolution {
  readonly conv: Node;
  readonly norm: Node | undefined;
  /** The tensor added before the activation. */
  readonly sum: string | undefined;
  readonly relu: boolean;
  readonly output: string;
}

export interface Fusion {
  /** By the last member. */
  readonly at: ReadonlyMap<Node, FusedConvolution>;
  /** All other members: they are part of a fused convolution. */
  readonly absorbed: ReadonlySet<Node>;
}

export function fuse(supernet: Supernet): Fusion {
  const readers = soleReaders(supernet);
  const norms = foldedNorms(supernet);
  const at = new Map<Node, FusedConvolution>();
  const absorbed = new Set<Node>();
  const claimed = new Set<Node>();
  /** The node that the chain may go on with, unless another chain already has. */
  const next = (node: Node): Node | undefined => {
    const reader = readers.get(node);
    return reader === undefined || claimed.has(reader) ? undefined : reader;
  };
  for (const conv of supernet.model.graph.nodes) {
    if (conv.op !== 'Conv') continue;
    const members = [conv];
    const tail = () => members.at(-1) ?? conv;
    const take = (node: Node) => {
      members.push(node);
      claimed.add(node);
    };
    const norm = norms.get(conv);
    if (norm !== undefined) take(norm);
    const added = next(tail());
    const sum = added === undefined ? undefined : addend(supernet, added, tail().outputs[0] ?? '');
    if (added !== undefined && sum !== undefined) take(added);
    const activation = next(tail());
    const relu = activation?.op === 'Relu';
    if (activation !== undefined && relu) take(activation);
    const last = tail();
    at.set(last, { conv, norm, sum, relu, output: last.outputs[0] ?? '' });
    for (const member of members) if (member !== last) absorbed.add(member);
  }
  return { at, absorbed };
}

/** The other operand of an addition of two computed tensors of one shape. */
function addend({ followed }: Supernet, node: Node, own: string): string | undefined {
  if (node.op !== 'Add') return undefined;
  const [other, ...rest] = node.inputs.filter((name) => name !== own);
  const [mine, theirs] = [followed.tensors.get(own), followed.tensors.get(other ?? '')];
  const same = mine !== undefined && mine.dims.join() === theirs?.dims.join();
  return same && rest.length === 0 ? other : undefined;
}
