/** A reckoning of the memory that a graph's activations take. */
import { elements } from '../onnx/model.js';
import type { Supernet } from '../supernet.js';

/** Rows of the batch that is reckoned with. */
const ROWS = 16;
const FLOAT_BYTES = 4;

/** The most that any one node of the largest subnet reads and writes, at 16 rows. */
export function activationBytes({ model, followed }: Supernet): number {
  const size = (name: string) => elements(followed.tensors.get(name)?.dims.slice(1) ?? [0]);
  const perNode = model.graph.nodes.map((node) => [...node.inputs, ...node.outputs].map(size));
  return ROWS * FLOAT_BYTES * Math.max(1, ...perNode.map((sizes) => sizes.reduce((sum, n) => sum + n, 0)));
}
