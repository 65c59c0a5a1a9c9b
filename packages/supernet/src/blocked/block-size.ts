/** Finds the block size of this machine's ONNX Runtime: a tiny convolution, plain and blocked, must agree. */
import * as ort from 'onnxruntime-node';
import { floatTensor, type Model, makeNode, type Value } from '../onnx/model.js';
import { floatOutput, openSession } from '../ort.js';
import { blockWeights } from './layout.js';

/** 16 with AVX-512 and on newer ARM builds, 8 with AVX2, 4 on some others. */
const CANDIDATES = [16, 8, 4];
/** A multiple of every candidate, and more than one block, so that a wrong guess mixes up channels. */
const CHANNELS = 32;
const TOLERANCE = 1e-4;

let found: Promise<number | undefined> | undefined;

/** The block size, or undefined where there is no blocked layout. Measured once per process. */
export function blockSize(): Promise<number | undefined> {
  found ??= detect();
  return found;
}

async function detect(): Promise<number | undefined> {
  const weights = Float32Array.from({ length: CHANNELS * CHANNELS }, (_, i) => ((i * 37) % 101) / 101 - 0.5);
  const plain = await convolve(weights, '');
  for (const block of CANDIDATES) {
    const shape = { out: CHANNELS, into: CHANNELS, kernel: 1 };
    try {
      const blocked = await convolve(blockWeights(weights, shape, block, false).values, 'com.microsoft.nchwc');
      if (blocked.every((value, i) => Math.abs(value - (plain[i] ?? 0)) < TOLERANCE)) return block;
    } catch {
      return undefined; // This build of ONNX Runtime has no such operator.
    }
  }
  return undefined;
}

/** A 1x1 convolution of CHANNELS channels of 2x2 pixels with these weights. */
async function convolve(weights: Float32Array, domain: string): Promise<Float32Array> {
  const dims = [1, CHANNELS, 2, 2];
  const value = (name: string): Value => ({ name, type: 'float32', dims });
  const conv = { kernel_shape: [1, 1], pads: [0, 0, 0, 0], strides: [1, 1], dilations: [1, 1], group: 1 };
  const nodes =
    domain === ''
      ? [makeNode('Conv', ['x', 'w'], ['y'], conv)]
      : [
          makeNode('ReorderInput', ['x'], ['x/blocked'], {}, domain),
          makeNode('Conv', ['x/blocked', 'w'], ['y/blocked'], { ...conv, auto_pad: 'NOTSET' }, domain),
          makeNode('ReorderOutput', ['y/blocked'], ['y'], { channels: CHANNELS }, domain),
        ];
  const initializers = new Map([['w', floatTensor([CHANNELS, CHANNELS, 1, 1], weights)]]);
  const graph = { name: 'probe', inputs: [value('x')], outputs: [value('y')], nodes, initializers };
  const opsets = new Map([['', 13], ...(domain === '' ? [] : ([[domain, 1]] as const))]);
  const model: Model = { irVersion: 7, opsets, graph };
  const session = await openSession(model);
  try {
    const x = Float32Array.from({ length: 4 * CHANNELS }, (_, i) => ((i * 53) % 97) / 97);
    return floatOutput(await session.run({ x: new ort.Tensor('float32', x, dims) }), 'y');
  } finally {
    await session.release();
  }
}
