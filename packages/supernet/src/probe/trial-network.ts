/** A network for trying a device: one convolution, so that CUDA needs cuDNN and WebGPU compiles a shader. */
import { floatTensor, type Model, makeNode } from '../onnx/model.js';

const SIDE = 4;

/** [1, 1, 4, 4] convolved with 3x3 ones: a sum of nine. */
export function trialNetwork(): Model {
  const weight = floatTensor([1, 1, 3, 3], new Float32Array(9).fill(1));
  return {
    irVersion: 8,
    opsets: new Map([['', 14]]),
    graph: {
      name: 'trial',
      nodes: [makeNode('Conv', ['x', 'weight'], ['y'], { kernel_shape: [3, 3] })],
      initializers: new Map([['weight', weight]]),
      inputs: [{ name: 'x', type: 'float32', dims: [1, 1, SIDE, SIDE] }],
      outputs: [{ name: 'y', type: 'float32', dims: [1, 1, SIDE - 2, SIDE - 2] }],
    },
  };
}

/** 0, 1, 2, … row after row. */
export const trialInput = Float32Array.from({ length: SIDE * SIDE }, (_, i) => i);
export const trialDims = [1, 1, SIDE, SIDE] as const;

/** Whether `values` is what the network makes of its input. */
export function answerOf(values: readonly number[]): boolean {
  return values.length === 4 && [45, 54, 81, 90].every((expected, i) => values[i] === expected);
}
