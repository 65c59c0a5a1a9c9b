/** The weights of one subnet's own graph, each cut out of the shared parameters whenever it is made. */
import { elements, floats, type Node, type Tensor } from '../onnx/model.js';
import type { Affine } from './affine.js';
import { blockWeights, roundUp, scaleInto } from './layout.js';
import type { Parameter } from './parameters.js';

/** A convolution as it stands in the subnet. */
export interface StillConvolution {
  readonly node: Node;
  /** Name of the normalization that is folded in. */
  readonly norm: string | undefined;
  /** [out, in, kernel height, kernel width] */
  readonly dims: readonly number[];
  readonly weight: () => Tensor;
  readonly bias: (() => Tensor) | undefined;
}

/** Where the layout holds the convolution: channels per block, and whether input channels are one by one. */
export interface StillLayout {
  readonly block: number;
  readonly direct: boolean;
}

/** Weights in plain layout unless `layout` says otherwise. */
export function stillWeight(name: string, conv: StillConvolution, layout: StillLayout | undefined): Parameter {
  const { node, norm, dims, weight } = conv;
  const [out = 0, into = 0, ...kernel] = dims;
  const shape = { out, into, kernel: elements(kernel) };
  const scaleOf = (affine: Affine, length: number): Float32Array => {
    const scale = new Float32Array(length).fill(1, 0, out);
    scale.set(norm === undefined ? [] : (affine.get(norm)?.scale ?? []));
    return scale;
  };
  if (layout === undefined) {
    const perOutput = into * shape.kernel;
    return parameter(name, node, [...dims], (target, affine) => {
      const [values, scale] = [floats(weight()), scaleOf(affine, out)];
      for (const [o, factor] of scale.entries()) {
        const end = (o + 1) * perOutput;
        for (let at = o * perOutput; at < end; at++) target[at] = (values[at] ?? 0) * factor;
      }
    });
  }
  const { block, direct } = layout;
  const blocked = [roundUp(out, block), direct ? into : roundUp(into, block), ...kernel];
  return {
    ...parameter(name, node, blocked, () => undefined),
    fill: (target, _config, affine, arena) => {
      const values = blockWeights(floats(weight()), shape, block, direct);
      scaleInto(values, into, scaleOf(affine, roundUp(out, block)), target, arena);
    },
  };
}

/** `block`: channels are filled up to whole blocks of this many. */
export function stillBias(
  name: string,
  { node, norm, dims: [out = 0], bias }: StillConvolution,
  block: number,
): Parameter {
  return parameter(name, node, [roundUp(out, block)], (target, affine) => {
    const own = bias === undefined ? undefined : floats(bias());
    const folded = norm === undefined ? undefined : affine.get(norm);
    target.fill(0);
    for (let c = 0; c < out; c++) target[c] = (folded?.shift[c] ?? 0) + (own?.[c] ?? 0) * (folded?.scale[c] ?? 1);
  });
}

/** A constant as it is. */
export function stillConstant(name: string, node: Node, dims: readonly number[], source: () => Tensor): Parameter {
  return parameter(name, node, [...dims], (target) => {
    // As bytes: those of a model's file begin anywhere.
    new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(source().bytes);
  });
}

function parameter(
  name: string,
  owner: Node,
  dims: number[],
  fill: (target: Float32Array, affine: Affine) => void,
): Parameter {
  return { name, rank: dims.length, owner, dims: () => dims, fill: (target, _config, affine) => fill(target, affine) };
}
