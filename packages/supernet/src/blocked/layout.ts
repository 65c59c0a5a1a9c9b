/**
 * ONNX Runtime's blocked layout (NCHWc): channels in blocks of 8 or 16 that lie next to each other, so that one vector
 * instruction handles a block. b is the block size, k = height * width of the kernel.
 *
 *   activations             [n][c/b][h][w][b], stored as a tensor of shape [n, c, h, w]
 *   weights                 [o/b][i/b][k][b of i][b of o], stored as [o, i, kh, kw]
 *   weights, plain input    [o/b][i][k][b of o]: a layer with fewer input channels than a block reads plain [n, c, h, w]
 *
 * Channel counts are filled up with zeros to whole blocks.
 */
import type { Arena } from './arena.js';

export function roundUp(size: number, block: number): number {
  return Math.ceil(size / block) * block;
}

/** A convolution's shape: `kernel` is height times width. */
interface WeightShape {
  readonly out: number;
  readonly into: number;
  readonly kernel: number;
}

/** A convolution's weights, blocked. The first blocks of output channels are a prefix of `values`. */
export interface BlockedWeights {
  readonly shape: WeightShape;
  readonly block: number;
  /** The layer reads plain input. */
  readonly direct: boolean;
  /** Values per output block for one more step of the input: a block of channels, or one channel if direct. */
  readonly perInputStep: number;
  /** Values per output block: all of the input. */
  readonly perOutputBlock: number;
  /** Length of `values`. */
  readonly floats: number;
  /** Empty until blockInto has filled them. */
  values: Float32Array;
}

export function blockedShape(shape: WeightShape, block: number, direct: boolean): BlockedWeights {
  const perInputStep = shape.kernel * (direct ? 1 : block) * block;
  const perOutputBlock = Math.ceil(shape.into / (direct ? 1 : block)) * perInputStep;
  const floats = Math.ceil(shape.out / block) * perOutputBlock;
  return { shape, block, direct, perInputStep, perOutputBlock, floats, values: new Float32Array(0) };
}

/** Fills `weights.values`, which is zero so far, with plain weights [out, into, kernel]. */
export function blockInto(weights: BlockedWeights, plain: Float32Array): void {
  const { shape, block, direct, perInputStep, perOutputBlock, values } = weights;
  const { out, into, kernel } = shape;
  const innerBlock = direct ? 1 : block;
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < into; i++) {
      const to =
        Math.floor(o / block) * perOutputBlock +
        Math.floor(i / innerBlock) * perInputStep +
        (i % innerBlock) * block +
        (o % block);
      const from = (o * into + i) * kernel;
      for (let k = 0; k < kernel; k++) values[to + k * innerBlock * block] = plain[from + k] ?? 0;
    }
  }
}

/** Plain weights [out, into, kernel] as blocked ones, in memory of their own. */
export function blockWeights(plain: Float32Array, shape: WeightShape, block: number, direct: boolean): BlockedWeights {
  const weights = blockedShape(shape, block, direct);
  weights.values = new Float32Array(weights.floats);
  blockInto(weights, plain);
  return weights;
}

/**
 * Writes the weights of the first `into` input channels, each output channel multiplied by its scale. What fills up the
 * last blocks becomes zero: `scale` has a whole number of blocks and is zero beyond the channels in use, and rows of
 * the input beyond `into` are cleared.
 */
export function scaleInto(
  weights: BlockedWeights,
  into: number,
  scale: Float32Array,
  target: Float32Array,
  arena: Arena,
): void {
  const { values, block, direct, perInputStep, perOutputBlock } = weights;
  const used = (direct ? into : Math.ceil(into / block)) * perInputStep;
  for (let first = 0, to = 0; first < scale.length; first += block, to += used) {
    const from = (first / block) * perOutputBlock;
    arena.scale(values.subarray(from, from + used), target.subarray(to, to + used), scale, first, block);
    if (!direct && into % block > 0) clearRows(target, to + used - perInputStep, perInputStep, into % block, block);
  }
}

/** Zeroes the input channels `kept` and up of one input block. */
function clearRows(target: Float32Array, begin: number, length: number, kept: number, block: number): void {
  for (let at = begin; at < begin + length; at += block * block) target.fill(0, at + kept * block, at + block * block);
}
