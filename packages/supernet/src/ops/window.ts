/** Operators that slide a window over [n, c, h, w]: convolution and pooling. */
import type { Node } from '../onnx/model.js';
import {
  attribute,
  constantInput,
  describe,
  type Follower,
  type OpHandler,
  type TensorInfo,
  unsupported,
} from './handler.js';

/** Height and width after the window; ONNX's formula for NOTSET padding. */
function windowed(node: Node, size: number, kernel: number, axis: 0 | 1): number {
  const strides = attribute(node, 'strides', 'ints', [1, 1]);
  const dilations = attribute(node, 'dilations', 'ints', [1, 1]);
  const pads = attribute(node, 'pads', 'ints', [0, 0, 0, 0]);
  const padded = size + (pads[axis] ?? 0) + (pads[axis + 2] ?? 0);
  const room = padded - (dilations[axis] ?? 1) * (kernel - 1) - 1;
  const round = attribute(node, 'ceil_mode', 'int', 0) === 1 ? Math.ceil : Math.floor;
  return round(room / (strides[axis] ?? 1)) + 1;
}

function image(node: Node, follower: Follower): TensorInfo {
  const info = follower.info(node.inputs[0]);
  if (info.dims.length !== 4) throw unsupported(node, `its input ${node.inputs[0]} is not of shape [n, c, h, w]`);
  if (attribute(node, 'auto_pad', 'string', 'NOTSET') !== 'NOTSET') throw unsupported(node, 'auto_pad must be NOTSET');
  return info;
}

function slide(node: Node, info: TensorInfo, kernel: readonly number[], channels: TensorInfo['channels']): TensorInfo {
  const [, , height = 0, width = 0] = info.dims;
  const h = windowed(node, height, kernel[0] ?? 1, 0);
  const w = windowed(node, width, kernel[1] ?? 1, 1);
  return { type: info.type, dims: [info.dims[0] ?? 0, channels.full, h, w], channels };
}

export const conv: OpHandler = (node, follower) => {
  const info = image(node, follower);
  const weight = constantInput(node, 1, follower);
  const [out = 0, into = 0] = weight.dims;
  if (weight.dims.length !== 4) throw unsupported(node, `its weight has shape [${weight.dims}]; only 2D is supported`);
  if (attribute(node, 'group', 'int', 1) !== 1) throw unsupported(node, 'grouped convolutions are not supported yet');
  if (into !== info.channels.full) {
    throw unsupported(node, `its weight takes ${into} channels and gets ${describe(info.channels)}`);
  }
  const channels = follower.layerOutput(node.inputs[1] ?? '', out);
  follower.cut(node, 1, [
    { axis: 0, extent: channels },
    { axis: 1, extent: info.channels },
  ]);
  if (node.inputs[2]) {
    constantInput(node, 2, follower);
    follower.cut(node, 2, [{ axis: 0, extent: channels }]);
  }
  follower.produce(node.outputs[0], slide(node, info, weight.dims.slice(2), channels));
  return node;
};

export const pool: OpHandler = (node, follower) => {
  const info = image(node, follower);
  if (node.outputs.length > 1) throw unsupported(node, 'a pool with indices is not supported');
  follower.produce(node.outputs[0], slide(node, info, attribute(node, 'kernel_shape', 'ints', []), info.channels));
  return node;
};

export const globalPool: OpHandler = (node, follower) => {
  const info = image(node, follower);
  follower.produce(node.outputs[0], { ...info, dims: [info.dims[0] ?? 0, info.channels.full, 1, 1] });
  return node;
};
