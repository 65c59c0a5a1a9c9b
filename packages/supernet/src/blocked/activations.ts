/** A reckoning of the memory that a graph's activations take. */
import { largestConfig } from '../config.js';
import { elements } from '../onnx/model.js';
import { sizesForOneRow } from '../sizes.js';
import type { Supernet } from '../supernet.js';

/** Rows of the batch that is reckoned with. */
const ROWS = 16;
const FLOAT_BYTES = 4;

/** The most that any one node of the largest subnet reads and writes beside its weights, at 16 rows. */
export function activationBytes(supernet: Supernet): number {
  const { model, followed } = supernet;
  const config = largestConfig(supernet);
  const size = (name: string) =>
    followed.tensors.has(name) ? elements(sizesForOneRow(supernet, config, name) ?? [0]) : 0;
  const largest = model.graph.nodes.reduce((most, { inputs, outputs }) => {
    return Math.max(
      most,
      [...inputs, ...outputs].reduce((sum, name) => sum + size(name), 0),
    );
  }, 1);
  return ROWS * FLOAT_BYTES * largest;
}
