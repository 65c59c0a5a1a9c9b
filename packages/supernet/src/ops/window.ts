/** Operators that slide a window over [n, c, h, w]: convolution and pooling. */
import { type Axis, axis, fixedAxis, isFixed } from '../axes.js';
import { SupernetError } from '../errors.js';
import { describe, type Extent, fixed, isElastic, runsOf, sameExtent, scaled } from '../extent.js';
import type { Node } from '../onnx/model.js';
import {
  attribute,
  channelsOf,
  constantInput,
  extentAt,
  type Follower,
  label,
  type OpHandler,
  type TensorInfo,
  tensorInfo,
  unsupported,
} from './handler.js';

/** The size after the window along one axis; ONNX's formula for NOTSET padding. */
function windowed(node: Node, size: number, kernel: number, along: number, spatial: number): number {
  const strides = attribute(node, 'strides', 'ints', []);
  const dilations = attribute(node, 'dilations', 'ints', []);
  const pads = attribute(node, 'pads', 'ints', []);
  const padded = size + (pads[along] ?? 0) + (pads[along + spatial] ?? 0);
  const room = padded - (dilations[along] ?? 1) * (kernel - 1) - 1;
  const stride = strides[along] ?? 1;
  if (attribute(node, 'ceil_mode', 'int', 0) !== 1) return Math.floor(room / stride) + 1;
  const out = Math.ceil(room / stride) + 1;
  // A last window that would begin in the padding behind is left out.
  return (out - 1) * stride >= size + (pads[along] ?? 0) ? out - 1 : out;
}

/** [n, c, ...spatial], where only the channels may be elastic. */
function image(node: Node, follower: Follower): TensorInfo {
  const info = follower.info(node.inputs[0]);
  const [rows = [], , ...spatial] = info.axes;
  if (spatial.length < 1 || spatial.length > 3 || !rows.includes('rows')) {
    throw unsupported(node, `its input ${node.inputs[0]} of shape [${info.dims}] is not of shape [n, c, h, w]`);
  }
  if (!spatial.every(isFixed)) throw unsupported(node, `the height or width of ${node.inputs[0]} would be elastic`);
  if (attribute(node, 'auto_pad', 'string', 'NOTSET') !== 'NOTSET') throw unsupported(node, 'auto_pad must be NOTSET');
  extentAt(node, info, 1);
  return info;
}

function slide(node: Node, info: TensorInfo, kernel: readonly number[], channels: Extent): TensorInfo {
  const [rows = [], , ...spatial] = info.axes;
  if (kernel.length !== spatial.length) throw unsupported(node, `its window [${kernel}] does not fit [${info.dims}]`);
  const sizes = kernel.map((size, i): Axis => {
    const out = windowed(node, info.dims[i + 2] ?? 0, size, i, spatial.length);
    if (!(out >= 1)) throw unsupported(node, `its window [${kernel}] does not fit [${info.dims}]`);
    return fixedAxis(out);
  });
  return tensorInfo(info.type, [rows, axis(channels), ...sizes]);
}

export const conv: OpHandler = (node, follower) => {
  const info = image(node, follower);
  const weight = constantInput(node, 1, follower);
  const [out = 0, into = 0, ...kernel] = weight.dims;
  if (weight.dims.length !== info.dims.length) {
    throw unsupported(node, `its weight has shape [${weight.dims}] and its input [${info.dims}]`);
  }
  if (weight.type !== info.type) throw unsupported(node, `its weight is ${weight.type} and its input ${info.type}`);
  const groups = attribute(node, 'group', 'int', 1);
  const given = channelsOf(info);
  if (into * groups !== given.full || out % groups !== 0 || !(groups >= 1)) {
    throw unsupported(node, `its weight takes ${into * groups} channels and gets ${describe(given)}`);
  }
  const channels =
    groups === 1 ? follower.layerOutput(node.inputs[1] ?? '', out) : groupedOutput(node, given, follower);
  follower.cut(node, 1, [
    { axis: 0, extent: channels },
    { axis: 1, extent: groups === 1 ? given : fixed(into) },
  ]);
  if (node.inputs[2]) {
    constantInput(node, 2, follower);
    follower.cut(node, 2, [{ axis: 0, extent: channels }]);
  }
  follower.produce(node.outputs[0], slide(node, info, kernel, channels));
  return node;
};

/** Output channels of a grouped convolution: whole groups go with their input channels. */
function groupedOutput(node: Node, given: Extent, follower: Follower): Extent {
  const [, name = ''] = node.inputs;
  const [out = 0, into = 0] = constantInput(node, 1, follower).dims;
  const perGroup = (out * into) / given.full;
  const groups = runsOf(given, into, (group) => follower.sizesOf(group));
  if (groups === undefined) {
    throw new SupernetError(
      'invalid-spec',
      `${label(node)} works on groups of ${into} channels, and ${describe(given)} can end inside one: ` +
        `the sizes must be multiples of ${into}.`,
    );
  }
  const channels = scaled(groups, perGroup);
  const wanted = follower.groupOf(name) === undefined ? channels : follower.layerOutput(name, out);
  if (!sameExtent(wanted, channels)) {
    throw new SupernetError(
      'invalid-spec',
      `${label(node)} is a grouped convolution of ${describe(given)} channels, so its output has ` +
        `${describe(channels)} and cannot be ${describe(wanted)}.`,
    );
  }
  if (isElastic(given)) follower.grouped(node, given, into);
  return channels;
}

export const pool: OpHandler = (node, follower) => {
  const info = image(node, follower);
  if (node.outputs.length > 1) throw unsupported(node, 'a pool with indices is not supported');
  follower.produce(node.outputs[0], slide(node, info, attribute(node, 'kernel_shape', 'ints', []), channelsOf(info)));
  return node;
};

export const globalPool: OpHandler = (node, follower) => {
  const info = image(node, follower);
  const [rows = [], channels = [], ...spatial] = info.axes;
  follower.produce(node.outputs[0], tensorInfo(info.type, [rows, channels, ...spatial.map(() => [])]));
  return node;
};
