/** Which pools and means the blocked layout can hold. */
import { integers, type Node, type Tensor } from '../onnx/model.js';
import { attribute } from '../ops/handler.js';

const POOLS = ['MaxPool', 'AveragePool', 'GlobalAveragePool'];

/** True for a pool that gives the same in blocks. An average that counts padding does not where sizes are rounded up. */
export function poolsBlocks(node: Node): boolean {
  const rounded = attribute(node, 'ceil_mode', 'int', 0) === 1;
  const counted = attribute(node, 'count_include_pad', 'int', 0) === 1;
  return POOLS.includes(node.op) && !(node.op === 'AveragePool' && rounded && counted);
}

/** True for a mean over height and width of [n, c, h, w], and nothing else: a global pool. */
export function isPixelMean(node: Node, initializers: ReadonlyMap<string, Tensor>): boolean {
  if (node.op !== 'ReduceMean') return false;
  const { axes } = node.attributes;
  const given = initializers.get(node.inputs[1] ?? '');
  const list = given !== undefined ? integers(given) : axes?.kind === 'ints' ? axes.value : [];
  const counted = list.map((axis) => (axis < 0 ? axis + 4 : axis)).toSorted((x, y) => x - y);
  return counted.join() === '2,3';
}
