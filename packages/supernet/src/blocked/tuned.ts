/**
 * Graphs with mapped weights that ONNX Runtime has optimized, where that is safe.
 *
 * Its optimizer fuses what transformers are made of, but it takes mapped weights for constants and may put a copy of
 * what they are now in their place. So such a graph is opened while other numbers lie in the file, and kept only if,
 * with the subnet's weights in the file, it answers what the graph as it stands answers.
 */
import type * as ort from 'onnxruntime-node';
import type { Model } from '../onnx/model.js';
import { floatOutput, inputTensor } from '../ort.js';
import type { TensorSignature } from '../supernet.js';
import type { MappedFile } from './mapped-file.js';
import { openMapped } from './mapped-graph.js';

/** Unlike any weight, and neither of the numbers that optimizers look for: 0 and 1. */
const FILLER = 0.37;
const CHUNK = 2 ** 16;
const ROWS = 2;
/** A copied weight may show only in large numbers (behind a Min) or only in small ones (before a Softmax). */
const SCALES = [1, 8, 256];
/** Of each output by itself, and what rounding in a sum of large numbers may add, of the largest output. */
const [TOLERANCE, ROUNDING] = [1e-3, 1e-5];

export function fillUp(file: MappedFile): void {
  const filler = new Float32Array(Math.min(CHUNK, file.bytes / 4)).fill(FILLER);
  for (let at = 0; at < file.bytes; at += filler.byteLength) {
    file.write(filler.subarray(0, (file.bytes - at) / 4), at);
  }
}

/**
 * The optimized session if it follows the file, else one that was not optimized. The subnet's weights are in the file.
 * @param optimized was opened while the file held fillUp's numbers
 */
export async function trusted(
  optimized: ort.InferenceSession,
  model: Model,
  file: MappedFile,
  threads: number,
  inputs: readonly TensorSignature[],
): Promise<ort.InferenceSession> {
  const asItStands = await openMapped(model, file, threads);
  const equal = await sameAnswers(optimized, asItStands, inputs).catch(() => false);
  await (equal ? asItStands : optimized).release();
  return equal ? optimized : asItStands;
}

async function sameAnswers(
  a: ort.InferenceSession,
  b: ort.InferenceSession,
  inputs: readonly TensorSignature[],
): Promise<boolean> {
  for (const scale of SCALES) {
    const feeds: Record<string, ort.Tensor> = {};
    for (const input of inputs) {
      const data = trialData(input, scale);
      if (data === undefined) return false;
      feeds[input.name] = inputTensor(input, data, ROWS);
    }
    const [ofA, ofB] = [await a.run(feeds), await b.run(feeds)];
    if (!b.outputNames.every((name) => close(floatOutput(ofA, name), floatOutput(ofB, name)))) return false;
  }
  return true;
}

/** Numbers up to `scale` on both sides of zero, or any bytes, others for each scale; undefined for other types. */
function trialData({ datatype, shape }: TensorSignature, scale: number): Uint8Array | Float32Array | undefined {
  const count = shape.slice(1).reduce((product, size) => product * size, ROWS);
  const bytes = Uint8Array.from({ length: count }, (_, i) => Math.imul(i + scale, 2_654_435_761) >>> 24);
  if (datatype === 'uint8') return bytes;
  return datatype === 'float32' ? Float32Array.from(bytes, (byte) => (byte / 128 - 1) * scale) : undefined;
}

function close(values: Float32Array, expected: Float32Array): boolean {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return expected.every((value, i) => {
    return Math.abs(value - (values[i] ?? Number.NaN)) <= TOLERANCE * Math.abs(value) + ROUNDING * largest;
  });
}
