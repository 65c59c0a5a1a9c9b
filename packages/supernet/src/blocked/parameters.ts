/** The weights that a blocked forward graph takes as inputs, and how each is made for a subnet. */
import { type Part, partSize } from '../extent.js';
import { normName } from '../norms.js';
import { floats, type Node, type Tensor } from '../onnx/model.js';
import type { Cut } from '../ops/handler.js';
import type { SubnetConfig } from '../spec.js';
import type { Affine } from './affine.js';
import type { Arena } from './arena.js';
import { type BlockedWeights, roundUp, scaleInto } from './layout.js';
import { partOf } from './prefixes.js';

export interface Parameter {
  /** Name of the graph input. */
  readonly name: string;
  readonly rank: number;
  /** The parameter is needed where this node runs. */
  readonly owner: Node;
  dims(config: SubnetConfig): number[];
  /** Fills `target`, as many elements as `dims` says. */
  fill(target: Float32Array, config: SubnetConfig, affine: Affine, arena: Arena): void;
}

interface ConvolutionParts {
  readonly name: string;
  readonly node: Node;
  readonly norm: Node | undefined;
  readonly weights: BlockedWeights;
  readonly bias: Tensor | undefined;
  readonly kernel: readonly number[];
  readonly out: Part;
  readonly into: Part;
}

/** Weight and bias of a convolution with its normalization folded in. */
export function convolutionParameters(parts: ConvolutionParts): { weight: Parameter; bias: Parameter } {
  const { name, node, norm, weights, kernel, out, into } = parts;
  const { block, direct } = weights;
  const own = parts.bias === undefined ? undefined : ownFloats(parts.bias);
  const outSize = (config: SubnetConfig) => roundUp(partSize(config, out), block);
  const scaleOf = (config: SubnetConfig, affine: Affine): Float32Array => {
    const used = partSize(config, out);
    const scale = new Float32Array(roundUp(used, block));
    const folded = norm === undefined ? undefined : affine.get(normName(norm));
    return folded === undefined ? scale.fill(1, 0, used) : copyPrefix(folded.scale, scale, used);
  };
  return {
    weight: {
      name: `${name}/weight`,
      rank: 4,
      owner: node,
      dims: (config) => {
        const channels = partSize(config, into);
        return [outSize(config), direct ? channels : roundUp(channels, block), ...kernel];
      },
      fill: (target, config, affine, arena) =>
        scaleInto(weights, partSize(config, into), scaleOf(config, affine), target, arena),
    },
    bias: {
      name: `${name}/bias`,
      rank: 1,
      owner: node,
      dims: (config) => [outSize(config)],
      fill: (target, config, affine) => {
        const used = partSize(config, out);
        const folded = norm === undefined ? undefined : affine.get(normName(norm));
        target.fill(0);
        for (let c = 0; c < used; c++) {
          target[c] = (folded?.shift[c] ?? 0) + (own?.[c] ?? 0) * (folded?.scale[c] ?? 1);
        }
      },
    },
  };
}

/** A copy: a view would keep the whole file of the model in memory. */
function ownFloats(constant: Tensor): Float32Array {
  return Float32Array.from(floats(constant));
}

function copyPrefix(from: Float32Array, to: Float32Array, count: number): Float32Array {
  to.set(from.subarray(0, count));
  return to;
}

/** How one axis of a plain parameter is cut: rounded up to whole blocks when the tensor that it meets is. */
export interface PaddedCut extends Cut {
  /** Channels are rounded up to a multiple of this; 1 leaves them as they are. */
  readonly block: number;
}

/** A constant in plain layout, cut to the subnet and filled up with `filler` where its tensor is padded. */
export function plainParameter(
  name: string,
  node: Node,
  constant: Tensor,
  cuts: readonly PaddedCut[],
  filler: number,
): Parameter {
  const values = ownFloats(constant);
  const whole = [...constant.dims];
  const sizes = (config: SubnetConfig, padded: boolean): number[] => {
    const dims = [...whole];
    for (const { axis, extent, block } of cuts) {
      const part = partOf(extent);
      const features = partSize(config, part);
      dims[axis] = padded ? roundUp(features / part.per, block) * part.per : features;
    }
    return dims;
  };
  return {
    name,
    rank: whole.length,
    owner: node,
    dims: (config) => sizes(config, true),
    fill: (target, config) => {
      target.fill(filler);
      copyBox(values, whole, target, sizes(config, true), sizes(config, false));
    },
  };
}

/** Copies the box [0, count) between two row-major arrays of shapes `from` and `to`. */
function copyBox(
  source: Float32Array,
  from: readonly number[],
  target: Float32Array,
  to: readonly number[],
  count: readonly number[],
): void {
  const copy = (axis: number, read: number, write: number): void => {
    const n = count[axis] ?? 1;
    if (axis >= count.length - 1) {
      target.set(source.subarray(read * (from[axis] ?? 1), read * (from[axis] ?? 1) + n), write * (to[axis] ?? 1));
      return;
    }
    for (let i = 0; i < n; i++) copy(axis + 1, read * (from[axis] ?? 1) + i, write * (to[axis] ?? 1) + i);
  };
  copy(0, 0, 0);
}

/** Scale or shift of a normalization that could not be folded away, shaped to broadcast over [n, c, ...]. */
export function affineParameter(
  name: string,
  norm: Node,
  what: 'scale' | 'shift',
  channels: Part,
  rank: number,
  block: number,
): Parameter {
  const trailing = Array.from({ length: rank - 2 }, () => 1);
  return {
    name,
    rank: rank - 1,
    owner: norm,
    dims: (config) => [roundUp(partSize(config, channels) / channels.per, block) * channels.per, ...trailing],
    fill: (target, config, affine) => {
      target.fill(0);
      target.set(affine.get(normName(norm))?.[what].subarray(0, partSize(config, channels)) ?? []);
    },
  };
}
