/** Operators that take [n, c, h, w] to [n, features]. */
import { integers, makeNode, type Node } from '../onnx/model.js';
import { attribute, constantInput, type Follower, type OpHandler, type TensorInfo, unsupported } from './handler.js';

function flattened(info: TensorInfo): TensorInfo {
  const [rows = 0, ...sizes] = info.dims;
  const features = sizes.reduce((product, size) => product * size, 1);
  const per = (info.channels.per * features) / info.channels.full;
  return { ...info, dims: [rows, features], channels: { ...info.channels, full: features, per } };
}

export const flatten: OpHandler = (node, follower) => {
  if (attribute(node, 'axis', 'int', 1) !== 1) throw unsupported(node, 'only axis 1 is supported');
  follower.produce(node.outputs[0], flattened(follower.info(node.inputs[0])));
  return node;
};

/** A reshape to [n, features] names the largest subnet's features; `Flatten` says the same for every subnet. */
export const reshape: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  const shape = integers(constantInput(node, 1, follower));
  const flat = flattened(info);
  const [rows, features] = shape;
  const same = shape.length === 2 && (rows === 0 || rows === -1) && (features === -1 || features === flat.dims[1]);
  if (!same || rows === features) throw unsupported(node, `[${info.dims}] to [${shape}]; only to [n, features]`);
  return flatten({ ...makeNode('Flatten', node.inputs.slice(0, 1), node.outputs), name: node.name }, follower);
};

function reducedAxes(node: Node, follower: Follower): number[] {
  return node.inputs[1] ? integers(constantInput(node, 1, follower)) : attribute(node, 'axes', 'ints', []);
}

/** The mean over height and width. */
export const reduceMean: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  const axes = reducedAxes(node, follower)
    .map((axis) => (axis < 0 ? axis + info.dims.length : axis))
    .sort();
  if (info.dims.length !== 4 || axes.join() !== '2,3') {
    throw unsupported(node, `reduces axes [${axes}] of [${info.dims}]; only height and width can be reduced`);
  }
  const kept = info.dims.slice(0, 2);
  const dims = attribute(node, 'keepdims', 'int', 1) === 1 ? [...kept, 1, 1] : kept;
  follower.produce(node.outputs[0], { ...info, dims });
  return node;
};
