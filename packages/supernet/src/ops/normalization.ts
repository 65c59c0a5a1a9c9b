/** Normalizations with learned scale and shift. */
import { describe } from '../extent.js';
import type { Node } from '../onnx/model.js';
import {
  attribute,
  axisIndex,
  channelsOf,
  constantInput,
  extentAt,
  type OpHandler,
  type TensorInfo,
  unsupported,
} from './handler.js';

export const batchNormalization: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  if (attribute(node, 'training_mode', 'int', 0) !== 0) throw unsupported(node, 'it is in training mode');
  if (info.axes.length < 2) throw unsupported(node, `its input has shape [${info.dims}]`);
  if (info.dims[0] !== -1 || info.axes[0]?.length !== 1) {
    throw unsupported(node, `the first axis of its input [${info.dims}] is not the rows of the batch alone`);
  }
  extentAt(node, info, 1);
  const channels = channelsOf(info);
  const used = onlyFirstOutput(node);
  for (const index of [1, 2, 3, 4]) {
    const { dims } = constantInput(node, index, follower);
    if (dims.length !== 1 || dims[0] !== channels.full) {
      throw unsupported(
        node,
        `its parameter ${node.inputs[index]} has shape [${dims}] and its input ${describe(channels)} channels`,
      );
    }
    follower.cut(used, index, [{ axis: 0, extent: channels }]);
  }
  follower.produce(node.outputs[0], info);
  return used;
};

/** Normalizes each row over the axes from `axis` on: no statistics are kept, so subnets need none of their own. */
export const layerNormalization: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  const first = axisIndex(node, attribute(node, 'axis', 'int', -1), info.axes.length);
  const used = onlyFirstOutput(node);
  for (const index of [1, 2]) {
    if (index === 2 && !node.inputs[2]) continue;
    const { dims } = constantInput(node, index, follower);
    const offset = info.axes.length - dims.length;
    if (offset < 0) throw unsupported(node, `its parameter ${node.inputs[index]} has shape [${dims}]`);
    const wide = [...dims.keys()].filter((i) => dims[i] !== 1);
    if (wide.some((i) => i + offset < first)) {
      throw unsupported(node, `its parameter ${node.inputs[index]} has shape [${dims}] before axis ${first}`);
    }
    follower.cut(
      used,
      index,
      wide.map((i) => ({ axis: i, extent: extentAt(node, info, i + offset) })),
    );
  }
  checkNoRows(node, info, first);
  if (node.outputs.slice(1).some((name) => name !== '')) throw unsupported(node, 'its mean or deviation is read');
  follower.produce(node.outputs[0], info);
  return used;
};

/** Of each row and channel by itself; between two reshapes, a normalization of groups of channels. */
export const instanceNormalization: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  if (info.axes.length < 3) throw unsupported(node, `its input has shape [${info.dims}]`);
  const channels = extentAt(node, info, 1);
  for (const index of [1, 2]) {
    const { dims } = constantInput(node, index, follower);
    if (dims.length !== 1) throw unsupported(node, `its parameter ${node.inputs[index]} has shape [${dims}]`);
    follower.cut(node, index, [{ axis: 0, extent: channels }]);
  }
  checkNoRows(node, info, 2);
  follower.produce(node.outputs[0], info);
  return node;
};

/** Exporters list what training would put out too, which nothing computes here. */
function onlyFirstOutput(node: Node): Node {
  return node.outputs.length === 1 ? node : { ...node, outputs: node.outputs.slice(0, 1) };
}

function checkNoRows(node: Node, info: TensorInfo, first: number): void {
  for (let i = first; i < info.axes.length; i++) extentAt(node, info, i);
}

/** Along one axis, elastic or not; never along the rows of the batch. */
export const softmax: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  extentAt(node, info, axisIndex(node, attribute(node, 'axis', 'int', -1), info.axes.length));
  follower.produce(node.outputs[0], info);
  return node;
};
