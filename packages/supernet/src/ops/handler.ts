/**
 * What the compiler must know of an operator: how shapes and channel groups pass through it, and which of its
 * constants shrink with a group. One handler per operator; ops/table.ts lists them.
 */
import { SupernetError } from '../errors.js';
import type { AttributeKind, AttributeValue, DataType, Node, Tensor } from '../onnx/model.js';

/** The rows of a batch: the one size that is known only at run time. */
export const ROWS = -1;

/**
 * Size of one axis. Without a group it is always `full`; with one it is `config[group] * per`, where `per` counts the
 * features that belong to one channel (more than one after flattening [n, c, h, w] to [n, c*h*w]).
 */
export interface Extent {
  readonly group: string | undefined;
  readonly full: number;
  readonly per: number;
}

/** A tensor that is computed: its sizes in the largest subnet (axis 0 is ROWS) and its channel axis, axis 1. */
export interface TensorInfo {
  readonly type: DataType;
  readonly dims: readonly number[];
  readonly channels: Extent;
}

/** One constant input of a node keeps only the first `extent` entries along `axis`. */
export interface Cut {
  readonly axis: number;
  readonly extent: Extent;
}

/** What a handler can see and do while the compiler follows the graph. */
export interface Follower {
  readonly opset: number;
  /** The constant of that name; undefined if the tensor is computed (or the name is ''). */
  constant(name: string | undefined): Tensor | undefined;
  /** @throws SupernetError when the tensor is a constant or nothing computes it */
  info(name: string | undefined): TensorInfo;
  produce(name: string | undefined, info: TensorInfo): void;
  /** Records which axes of constant input `index` follow an extent, be it elastic or fixed. */
  cut(node: Node, index: number, cuts: readonly Cut[]): void;
  /** Output channels of the layer with this weight: of the group that the spec puts it in, or fixed at `full`. */
  layerOutput(weight: string, full: number): Extent;
}

/** Follows one node, and returns the node to use in its place (usually itself). */
export type OpHandler = (node: Node, follower: Follower) => Node;

export function label(node: Node): string {
  return `${node.op} ${node.name || node.outputs[0] || '?'}`;
}

export function unsupported(node: Node, reason: string): SupernetError {
  return new SupernetError('unsupported-model', `${label(node)}: ${reason}.`);
}

/** Says a size the way an error message should: `width1 (up to 64)` or `64`. */
export function describe(extent: Extent): string {
  return extent.group === undefined ? String(extent.full) : `${extent.group} (up to ${extent.full})`;
}

export function sameExtent(a: Extent, b: Extent): boolean {
  return a.group === b.group && a.full === b.full && a.per === b.per;
}

export function fixed(full: number): Extent {
  return { group: undefined, full, per: 1 };
}

/** An attribute's value if it is there and of the expected kind, else the operator's default. */
export function attribute<K extends AttributeKind>(
  node: Node,
  name: string,
  kind: K,
  otherwise: AttributeValue<K>,
): AttributeValue<K> {
  const found = node.attributes[name];
  return found?.kind === kind ? (found.value as AttributeValue<K>) : otherwise;
}

/** A constant that the operator needs. @throws SupernetError `unsupported-model` if the tensor is computed or absent */
export function constantInput(node: Node, index: number, follower: Follower): Tensor {
  const tensor = follower.constant(node.inputs[index]);
  if (tensor === undefined) {
    throw unsupported(node, `its input ${index} (${node.inputs[index] || 'absent'}) must be a constant`);
  }
  return tensor;
}
