/** The one way this package opens ONNX Runtime sessions: all optimizations, no log noise. */
import * as ort from 'onnxruntime-node';
import type { Model } from './onnx/model.js';
import { writeModel } from './onnx/write.js';

/** Any view that can hold a tensor's elements. */
export type TypedArray = Exclude<ort.Tensor.DataType, string[]>;

/** Where ONNX Runtime runs a graph. What `webgpu` and `cuda` cannot run (arithmetic on shapes) they leave to the CPU. */
export type ExecutionProvider = 'cpu' | 'webgpu' | 'cuda';

/** `threads`: threads inside one operator; 1 is right where there are as many workers as cores. `more` overrules. */
export async function openSession(
  model: Model | Uint8Array,
  threads = 1,
  executionProvider: ExecutionProvider = 'cpu',
  more: ort.InferenceSession.SessionOptions = {},
): Promise<ort.InferenceSession> {
  const bytes = model instanceof Uint8Array ? model : writeModel(model);
  return ort.InferenceSession.create(bytes, {
    executionProviders: [executionProvider],
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    interOpNumThreads: 1,
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
    ...more,
  });
}

/** The float32 values of an output. */
export function floatOutput(outputs: ort.InferenceSession.ReturnType, name: string): Float32Array {
  const data = outputs[name]?.data;
  if (data instanceof Float32Array) return data;
  throw new TypeError(`ONNX Runtime returned no float32 tensor ${name}.`);
}
