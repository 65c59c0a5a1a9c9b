/** Operators that work on each element: activations, casts, arithmetic with constants, and residual connections. */
import { SupernetError } from '../errors.js';
import { dataType, type Node } from '../onnx/model.js';
import {
  attribute,
  constantInput,
  describe,
  type Follower,
  label,
  type OpHandler,
  sameExtent,
  type TensorInfo,
  unsupported,
} from './handler.js';

/** One computed input; whatever else there is must be constant and one element (as the bounds of Clip are). */
export const unary: OpHandler = (node, follower) => {
  for (const [index, name] of node.inputs.entries()) {
    if (index > 0 && name !== '') constantInput(node, index, follower);
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

export const binary: OpHandler = (node, follower) => {
  const [left, right] = node.inputs;
  const leftConstant = follower.constant(left) !== undefined;
  if (leftConstant || follower.constant(right) !== undefined) {
    const info = follower.info(leftConstant ? right : left);
    withConstant(node, leftConstant ? 0 : 1, info, follower);
    follower.produce(node.outputs[0], info);
  } else {
    follower.produce(node.outputs[0], join(node, follower.info(left), follower.info(right)));
  }
  return node;
};

/** A constant that broadcasts into a computed tensor; one with a value per channel shrinks with the channels. */
function withConstant(node: Node, index: number, info: TensorInfo, follower: Follower): void {
  const { dims } = constantInput(node, index, follower);
  const offset = info.dims.length - dims.length;
  const fits = offset >= 0 && dims.every((size, i) => size === 1 || (i + offset > 0 && size === info.dims[i + offset]));
  if (!fits) throw unsupported(node, `its constant of shape [${dims}] does not broadcast into [${info.dims}]`);
  const axis = 1 - offset;
  if (axis >= 0 && (dims[axis] ?? 1) > 1) follower.cut(node, index, [{ axis, extent: info.channels }]);
}

/** A residual connection: both sides must have the same channels in every subnet. */
function join(node: Node, a: TensorInfo, b: TensorInfo): TensorInfo {
  if (!sameExtent(a.channels, b.channels)) {
    throw new SupernetError(
      'invalid-spec',
      `${label(node)} joins ${node.inputs[0]} with ${describe(a.channels)} channels and ${node.inputs[1]} with ` +
        `${describe(b.channels)}: the two can disagree. Put the layers that produce them in one group.`,
    );
  }
  const fits = a.dims.length === b.dims.length && a.dims.every((d, i) => d === b.dims[i] || d === 1 || b.dims[i] === 1);
  if (!fits) throw unsupported(node, `it joins shapes [${a.dims}] and [${b.dims}]`);
  return { ...a, dims: a.dims.map((d, i) => (d === 1 ? (b.dims[i] ?? d) : d)) };
}
