/**
 * What the compiler must know of an operator: how shapes and groups pass through it, and which of its constants shrink
 * with a group. One handler per operator; ops/table.ts lists them.
 */
import { type Axis, describeAxis, extentOf, sizeOf } from '../axes.js';
import { SupernetError } from '../errors.js';
import { type Extent, fixed } from '../extent.js';
import type { AttributeKind, AttributeValue, DataType, Node, Tensor } from '../onnx/model.js';
import { integers } from '../onnx/model.js';
import type { Known } from './known.js';

/** A tensor that is computed: `dims` are its sizes in the largest subnet, ROWS where the batch has part in one. */
export interface TensorInfo {
  readonly type: DataType;
  readonly dims: readonly number[];
  readonly axes: readonly Axis[];
}

/** One constant input of a node keeps of `axis` what the extent leaves. */
export interface Cut {
  readonly axis: number;
  readonly extent: Extent;
}

/** What a handler can see and do while the compiler follows the graph. */
export interface Follower {
  readonly opset: number;
  /** Name of the graph's input, whose first axis is the rows of the batch. */
  readonly input: string;
  /** The constant of that name; undefined if the tensor is computed (or the name is ''). */
  constant(name: string | undefined): Tensor | undefined;
  /** A small integer tensor worked out from shapes, or a small constant; undefined for anything else. */
  known(name: string | undefined): Known | undefined;
  /** @throws SupernetError when the tensor is a constant or nothing computes it */
  info(name: string | undefined): TensorInfo;
  produce(name: string | undefined, info: TensorInfo): void;
  /** Records which axes of constant input `index` follow an extent, be it elastic or fixed. */
  cut(node: Node, index: number, cuts: readonly Cut[]): void;
  /** Records that the int64 constant input `index` must hold these sizes, which change with the subnet. */
  sized(node: Node, index: number, sizes: readonly (number | Extent)[]): void;
  /** Records that the attribute `group` of a convolution is the extent's size over `per`. */
  grouped(node: Node, extent: Extent, per: number): void;
  /** Adds a constant, and returns its name. */
  addConstant(hint: string, tensor: Tensor): string;
  /** Output channels of the layer with this weight: of the group that the spec puts it in, or fixed at `full`. */
  layerOutput(weight: string, full: number): Extent;
  /** The group that the spec puts a layer in. */
  groupOf(weight: string): string | undefined;
  /** The sizes that a channel group may take. */
  sizesOf(group: string): readonly number[];
}

/** Follows one node, and returns the nodes to use in its place (usually itself). */
export type OpHandler = (node: Node, follower: Follower) => Node | readonly Node[];

export function tensorInfo(type: DataType, axes: readonly Axis[]): TensorInfo {
  return { type, axes, dims: axes.map(sizeOf) };
}

/** The extent of axis 1, where convolutions and batch normalizations have their channels. */
export function channelsOf(info: TensorInfo): Extent {
  return extentOf(info.axes[1] ?? []) ?? fixed(1);
}

export function label(node: Node): string {
  return `${node.op} ${node.name || node.outputs[0] || '?'}`;
}

export function unsupported(node: Node, reason: string): SupernetError {
  return new SupernetError('unsupported-model', `${label(node)}: ${reason}.`);
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

/** The integers of a constant input. @throws SupernetError `unsupported-model` */
export function integerInput(node: Node, index: number, follower: Follower): number[] {
  const tensor = constantInput(node, index, follower);
  if (tensor.type !== 'int64' || tensor.dims.length > 1) {
    throw unsupported(node, `its input ${node.inputs[index]} is ${tensor.type} [${tensor.dims}], not a list of int64`);
  }
  return integers(tensor);
}

/** Integers that are an input from some opset on (`index`), and an attribute before; undefined where absent. */
export function listOf(node: Node, name: string, index: number, follower: Follower): number[] | undefined {
  if (node.inputs[index]) return integerInput(node, index, follower);
  const found = node.attributes[name];
  return found?.kind === 'ints' ? found.value : undefined;
}

/** An axis counted from the front. @throws SupernetError `unsupported-model` when there is none such */
export function axisIndex(node: Node, axis: number, rank: number): number {
  const index = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(index) || index < 0 || index >= rank) {
    throw unsupported(node, `it names axis ${axis} of a tensor with ${rank}`);
  }
  return index;
}

/** An axis as one extent. @throws SupernetError `unsupported-model` where the batch has part in it */
export function extentAt(node: Node, info: TensorInfo, axis: number): Extent {
  const extent = extentOf(info.axes[axis] ?? []);
  if (extent === undefined) {
    const what = describeAxis(info.axes[axis] ?? []);
    throw unsupported(node, `axis ${axis} of ${node.inputs[0]} is ${what}, which is no plain row of channels`);
  }
  return extent;
}
