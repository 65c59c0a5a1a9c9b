/** The one way this package opens ONNX Runtime sessions: all optimizations, no log noise. */
import * as ort from 'onnxruntime-node';
import { SupernetError } from './errors.js';
import { elements, type Model } from './onnx/model.js';
import { writeModel } from './onnx/write.js';
import type { TensorSignature } from './supernet.js';

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

/**
 * Rows of an input, one after the other; the data are not copied.
 * @throws SupernetError `invalid-input` when type, length or number of rows do not fit
 */
export function inputTensor({ name, datatype, shape }: TensorSignature, data: TypedArray, rows: number): ort.Tensor {
  const [, ...sizes] = shape;
  if (!Number.isInteger(rows) || rows < 1 || data.length !== rows * elements(sizes)) {
    throw new SupernetError('invalid-input', `${rows} rows of ${name} [${shape}] cannot have ${data.length} elements.`);
  }
  try {
    return new ort.Tensor(datatype, data, [rows, ...sizes]);
  } catch (cause) {
    throw new SupernetError('invalid-input', `${name} is ${datatype}, which no ${data.constructor.name} holds.`, {
      cause,
    });
  }
}

/** The float32 values of an output. */
export function floatOutput(outputs: ort.InferenceSession.ReturnType, name: string): Float32Array {
  const data = outputs[name]?.data;
  if (data instanceof Float32Array) return data;
  throw new TypeError(`ONNX Runtime returned no float32 tensor ${name}.`);
}
