/**
 * Graphs with mapped weights that ONNX Runtime has optimized, where that is safe.
 *
 * Its optimizer fuses what transformers are made of, but it takes mapped weights for constants and may put a copy of
 * what they are now in their place. So such a graph is opened while other numbers lie in the file, and kept only if,
 * with the subnet's weights in the file, it answers what the graph as it stands answers.
 */
import * as ort from 'onnxruntime-node';
import type { Model } from '../onnx/model.js';
import { floatOutput } from '../ort.js';
import type { TensorSignature } from '../supernet.js';
import type { MappedFile } from './mapped-file.js';
import { openMapped } from './mapped-graph.js';

/** Unlike any weight, and neither of the numbers that optimizers look for: 0 and 1. */
const FILLER = 0.37;
const CHUNK = 2 ** 16;
const ROWS = 2;
const TOLERANCE = 1e-3;

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
  const feeds: Record<string, ort.Tensor> = {};
  for (const { name, datatype, shape } of inputs) {
    const [, ...sizes] = shape;
    const count = sizes.reduce((product, size) => product * size, ROWS);
    const bytes = Uint8Array.from({ length: count }, (_, i) => (i * 2_654_435_761) >>> 24);
    if (datatype === 'uint8') feeds[name] = new ort.Tensor('uint8', bytes, [ROWS, ...sizes]);
    else if (datatype === 'float32') {
      feeds[name] = new ort.Tensor(
        'float32',
        Float32Array.from(bytes, (byte) => byte / 128 - 1),
        [ROWS, ...sizes],
      );
    } else return false;
  }
  const [ofA, ofB] = [await a.run(feeds), await b.run(feeds)];
  return b.outputNames.every((name) => {
    const [left, right] = [floatOutput(ofA, name), floatOutput(ofB, name)];
    const largest = right.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    return right.every((value, i) => Math.abs(value - (left[i] ?? Number.NaN)) <= TOLERANCE * largest);
  });
}
