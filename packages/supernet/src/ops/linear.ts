/** Matrix products of [n, features] with a constant weight. */
import type { Node } from '../onnx/model.js';
import { attribute, constantInput, describe, type Follower, type OpHandler, unsupported } from './handler.js';

/** `outAxis` is the weight's axis of output features; its other axis meets the input's features. */
function product(node: Node, follower: Follower, outAxis: 0 | 1): void {
  const info = follower.info(node.inputs[0]);
  const weight = constantInput(node, 1, follower);
  const into = weight.dims[1 - outAxis];
  if (info.dims.length !== 2 || weight.dims.length !== 2) {
    throw unsupported(
      node,
      `multiplies [${info.dims}] by [${weight.dims}]; only [n, features] by a matrix is supported`,
    );
  }
  if (into !== info.channels.full) {
    throw unsupported(node, `its weight takes ${into} features and gets ${describe(info.channels)}`);
  }
  const out = follower.layerOutput(node.inputs[1] ?? '', weight.dims[outAxis] ?? 0);
  follower.cut(node, 1, [
    { axis: outAxis, extent: out },
    { axis: 1 - outAxis, extent: info.channels },
  ]);
  if (node.inputs[2]) {
    const bias = constantInput(node, 2, follower);
    const axis = bias.dims.length - 1;
    if (axis >= 0 && (bias.dims[axis] ?? 1) > 1) follower.cut(node, 2, [{ axis, extent: out }]);
  }
  follower.produce(node.outputs[0], { type: info.type, dims: [info.dims[0] ?? 0, out.full], channels: out });
}

export const gemm: OpHandler = (node, follower) => {
  if (attribute(node, 'transA', 'int', 0) !== 0) throw unsupported(node, 'a transposed input is not supported');
  product(node, follower, attribute(node, 'transB', 'int', 0) === 1 ? 0 : 1);
  return node;
};

export const matMul: OpHandler = (node, follower) => {
  product(node, follower, 1);
  return node;
};
