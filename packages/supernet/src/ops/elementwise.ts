/** Operators that work on each element: activations, casts, arithmetic with constants, and residual connections. */
import { type Axis, describeAxis, fixedAxis, isFixed, sameAxis } from '../axes.js';
import { SupernetError } from '../errors.js';
import { dataType, makeNode, type Node } from '../onnx/model.js';
import {
  attribute,
  type Cut,
  constantInput,
  extentAt,
  type Follower,
  label,
  type OpHandler,
  type TensorInfo,
  tensorInfo,
  unsupported,
} from './handler.js';

/** One computed input; whatever else there is must be constant and one element (as the bounds of Clip are). */
export const unary: OpHandler = (node, follower) => {
  for (const [index, name] of node.inputs.entries()) {
    if (index === 0 || name === '') continue;
    const { dims } = constantInput(node, index, follower);
    if (dims.some((size) => size !== 1))
      throw unsupported(node, `its input ${name} has shape [${dims}], not one element`);
  }
  follower.produce(node.outputs[0], follower.info(node.inputs[0]));
  return node;
};

export const cast: OpHandler = (node, follower) => {
  const to = attribute(node, 'to', 'int', 0);
  const type = dataType(to);
  if (type === undefined) throw unsupported(node, `it casts to data type ${to}`);
  follower.produce(node.outputs[0], { ...follower.info(node.inputs[0]), type });
  return node;
};

/** Dropout outside training lets everything pass. */
export const dropout: OpHandler = (node, follower) => {
  const training = follower.known(node.inputs[2])?.values[0]?.n ?? 0;
  if (training !== 0) throw unsupported(node, 'it is in training mode; export the network in evaluation mode');
  const identity = makeNode('Identity', node.inputs.slice(0, 1), node.outputs.slice(0, 1));
  return unary({ ...identity, name: node.name }, follower);
};

export const binary: OpHandler = (node, follower) => {
  if (node.inputs.length !== 2) throw unsupported(node, `it has ${node.inputs.length} inputs, not two`);
  const [left, right] = node.inputs;
  const leftConstant = follower.constant(left) !== undefined;
  if (leftConstant || follower.constant(right) !== undefined) {
    const info = follower.info(leftConstant ? right : left);
    const own = constantInput(node, leftConstant ? 0 : 1, follower).type;
    if (own !== info.type) throw unsupported(node, `it joins ${info.type} with a constant of ${own}`);
    follower.produce(node.outputs[0], withConstant(node, leftConstant ? 0 : 1, info, follower));
  } else {
    follower.produce(node.outputs[0], join(node, follower.info(left), follower.info(right)));
  }
  return node;
};

/** A constant that broadcasts with a computed tensor; along an axis with a value per entry it shrinks with the axis. */
export function withConstant(node: Node, index: number, info: TensorInfo, follower: Follower): TensorInfo {
  const { dims } = constantInput(node, index, follower);
  const rank = Math.max(dims.length, info.axes.length);
  const cuts: Cut[] = [];
  const axes = Array.from({ length: rank }, (_, i): Axis => {
    const [mine, at] = [i - rank + info.axes.length, i - rank + dims.length];
    const [size, own] = [dims[at] ?? 1, info.axes[mine] ?? []];
    if (size === 1 || mine < 0) return size === 1 ? own : fixedAxis(size);
    if (info.dims[mine] === 1 && isFixed(own)) return fixedAxis(size);
    if (size !== info.dims[mine]) {
      throw unsupported(node, `its constant of shape [${dims}] does not broadcast into [${info.dims}]`);
    }
    cuts.push({ axis: at, extent: extentAt(node, info, mine) });
    return own;
  });
  if (cuts.length > 0) follower.cut(node, index, cuts);
  return tensorInfo(info.type, axes);
}

/** A residual connection or a gate: both sides must have the same sizes in every subnet, or one of them size 1. */
export function join(node: Node, a: TensorInfo, b: TensorInfo): TensorInfo {
  if (a.type !== b.type) throw unsupported(node, `it joins ${a.type} with ${b.type}`);
  const axes = broadcastAxes(node, a, b, Math.max(a.axes.length, b.axes.length));
  return tensorInfo(a.type, axes);
}

/** The first `count` axes of two tensors aligned at the last of these. */
export function broadcastAxes(node: Node, a: TensorInfo, b: TensorInfo, count: number, behind = 0): Axis[] {
  const [ranks, names] = [[a.axes.length - behind, b.axes.length - behind], node.inputs];
  return Array.from({ length: count }, (_, i): Axis => {
    const [x, y] = [a, b].map((info, side) => info.axes[i - count + (ranks[side] ?? 0)] ?? []);
    if (x === undefined || y === undefined || sameAxis(x, y)) return x ?? [];
    if (x.length === 0) return y;
    if (y.length === 0) return x;
    if (isFixed(x) && isFixed(y)) throw unsupported(node, `it joins shapes [${a.dims}] and [${b.dims}]`);
    throw new SupernetError(
      'invalid-spec',
      `${label(node)} joins ${names[0]} with ${describeAxis(x)} channels and ${names[1]} with ` +
        `${describeAxis(y)}: the two can disagree. Put the layers that produce them in one group.`,
    );
  });
}
