/** Matrix products: with a constant weight (a layer), and of two computed tensors (attention). */
import { type Axis, axis, describeAxis, hasRows, sameAxis } from '../axes.js';
import { describe, fixed } from '../extent.js';
import type { Node } from '../onnx/model.js';
import { broadcastAxes } from './elementwise.js';
import {
  attribute,
  type Cut,
  constantInput,
  extentAt,
  type Follower,
  type OpHandler,
  type TensorInfo,
  tensorInfo,
  unsupported,
} from './handler.js';

/**
 * A layer: [..., features] by a matrix [features, out], or [out, features] with `outAxis` 0. A weight may have leading
 * axes that broadcast with those of the input.
 */
function layer(node: Node, info: TensorInfo, outAxis: 0 | 1, follower: Follower): void {
  const weight = constantInput(node, 1, follower);
  const leading = weight.dims.length - 2;
  const last = info.axes.length - 1;
  if (leading < 0 || last < 1 || leading > last - 1) {
    throw unsupported(node, `it multiplies [${info.dims}] by [${weight.dims}]`);
  }
  if (weight.type !== info.type) throw unsupported(node, `it multiplies ${info.type} by ${weight.type}`);
  const features = extentAt(node, info, last);
  const into = weight.dims[leading + 1 - outAxis];
  if (into !== features.full) {
    throw unsupported(node, `its weight takes ${into} features and gets ${describe(features)}`);
  }
  const out = follower.layerOutput(node.inputs[1] ?? '', weight.dims[leading + outAxis] ?? 0);
  const cuts: Cut[] = [
    { axis: leading + outAxis, extent: out },
    { axis: leading + 1 - outAxis, extent: features },
  ];
  for (let i = 0; i < leading; i++) {
    const of = extentAt(node, info, last - 1 - leading + i);
    if (weight.dims[i] !== 1) cuts.push({ axis: i, extent: of });
  }
  follower.cut(node, 1, cuts);
  const bias = node.inputs[2] ? constantInput(node, 2, follower) : undefined;
  const along = (bias?.dims.length ?? 0) - 1;
  if (bias?.dims.slice(0, -1).some((size) => size !== 1)) {
    throw unsupported(node, `its bias has shape [${bias.dims}]`);
  }
  if (along >= 0 && (bias?.dims[along] ?? 1) > 1) follower.cut(node, 2, [{ axis: along, extent: out }]);
  follower.produce(node.outputs[0], tensorInfo(info.type, [...info.axes.slice(0, -1), axis(out)]));
}

export const gemm: OpHandler = (node, follower) => {
  if (attribute(node, 'transA', 'int', 0) !== 0) throw unsupported(node, 'a transposed input is not supported');
  const info = follower.info(node.inputs[0]);
  if (info.axes.length !== 2) throw unsupported(node, `its input has shape [${info.dims}], not two axes`);
  layer(node, info, attribute(node, 'transB', 'int', 0) === 1 ? 0 : 1, follower);
  return node;
};

export const matMul: OpHandler = (node, follower) => {
  const [left, right] = node.inputs;
  if (follower.constant(left) !== undefined) constantLeft(node, follower);
  else if (follower.constant(right) !== undefined) layer(node, follower.info(left), 1, follower);
  else product(node, follower.info(left), follower.info(right), follower);
  return node;
};

/** [m, k] by [..., k, n]: mixes the entries of the last axis but one. */
function constantLeft(node: Node, follower: Follower): void {
  const { dims } = constantInput(node, 0, follower);
  const info = follower.info(node.inputs[1]);
  const along = info.axes.length - 2;
  const mixed = along < 0 ? fixed(0) : extentAt(node, info, along);
  if (dims.length !== 2 || dims[1] !== mixed.full) {
    throw unsupported(node, `it multiplies [${dims}] by [${info.dims}]`);
  }
  const out = follower.layerOutput(node.inputs[0] ?? '', dims[0] ?? 0);
  follower.cut(node, 0, [
    { axis: 0, extent: out },
    { axis: 1, extent: mixed },
  ]);
  follower.produce(node.outputs[0], tensorInfo(info.type, info.axes.with(along, axis(out))));
}

/** [..., m, k] by [..., k, n], both computed. */
function product(node: Node, a: TensorInfo, b: TensorInfo, follower: Follower): void {
  const rank = Math.max(a.axes.length, b.axes.length);
  const [m, k, k2, n] = [a.axes.at(-2), a.axes.at(-1), b.axes.at(-2), b.axes.at(-1)];
  if (m === undefined || k === undefined || k2 === undefined || n === undefined) {
    throw unsupported(node, `it multiplies [${a.dims}] by [${b.dims}]`);
  }
  if (!sameAxis(k, k2)) {
    throw unsupported(node, `it multiplies along ${describeAxis(k)} on one side and ${describeAxis(k2)} on the other`);
  }
  if (hasRows(k)) throw unsupported(node, 'it would mix the rows of the batch');
  const leading: Axis[] = broadcastAxes(node, a, b, rank - 2, 2);
  follower.produce(node.outputs[0], tensorInfo(a.type, [...leading, m, n]));
}
