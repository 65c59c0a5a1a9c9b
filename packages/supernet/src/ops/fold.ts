/**
 * Nodes whose inputs are all known when the graph is compiled: shape arithmetic, and constants that are only moved
 * about (the transposed weight that an exporter writes for a linear layer). They are worked out and leave the graph.
 */

import { groupsAlong, sizeForOneRow } from '../axes.js';
import { bytesPerElement, elements, integers, type Node, type Tensor } from '../onnx/model.js';
import { pick } from '../slice.js';
import { EVALUATORS } from './arithmetic.js';
import { attribute, type TensorInfo } from './handler.js';
import type { Budget, Known, Quantity } from './known.js';
import { sliceBounds, stridesOf } from './strided.js';

/** Evaluates a node on known tensors. Views (Reshape and the like) take any size and are found in `viewOf`. */
export function evaluate(node: Node, inputs: readonly Known[], budget: Budget): Known | undefined {
  const [data, second] = inputs;
  if (data !== undefined && VIEWS.has(node.op)) {
    const dims = viewDims(
      node,
      data.dims,
      second?.values.map(({ n }) => n),
    );
    return dims && { ...data, dims };
  }
  return EVALUATORS.get(node.op)?.(node, inputs, budget);
}

/** A constant of any size that is only turned, cut or viewed anew; undefined for any other node. */
export function moved(node: Node, data: Tensor, lists: readonly (Tensor | undefined)[]): Tensor | undefined {
  const [second] = lists;
  if (data.bytes.length === 0) return undefined;
  if (node.op === 'Slice') return sliced(data, lists);
  if (node.op === 'Transpose') return transposeTensor(data, attribute(node, 'perm', 'ints', reversed(data.dims)));
  if (!VIEWS.has(node.op)) return undefined;
  const dims = viewDims(node, data.dims, second && (second.type === 'int64' ? integers(second) : [Number.NaN]));
  return dims && { ...data, dims };
}

/** The sizes that `Shape` reads of a computed tensor. */
export function shapeOf(node: Node, info: TensorInfo): Known {
  const rank = info.dims.length;
  const [start, end] = sliceBounds(
    rank,
    attribute(node, 'start', 'int', 0),
    attribute(node, 'end', 'int', rank),
    1,
  ) ?? [0, rank];
  const values = info.axes.map((factors): Quantity => {
    const n = sizeForOneRow(factors);
    return { n, rows: factors.includes('rows'), groups: groupsAlong(factors) };
  });
  const kept = values.slice(start, Math.max(start, end));
  return { type: 'int64', dims: [kept.length], values: kept };
}

/** A prefix or another stretch of each axis, as a supernet that slices its own weights writes it. */
function sliced(data: Tensor, lists: readonly (Tensor | undefined)[]): Tensor | undefined {
  if (lists.some((list) => list !== undefined && (list.type !== 'int64' || list.dims.length !== 1))) return undefined;
  const [starts, ends, axes, steps] = lists.map((list) => list && integers(list));
  if (starts === undefined || ends === undefined || steps?.some((step) => step !== 1)) return undefined;
  const ranges = data.dims.map((size) => [{ begin: 0, size }]);
  for (const [k, start] of starts.entries()) {
    const given = axes === undefined ? k : (axes[k] ?? 0);
    const axis = given < 0 ? given + data.dims.length : given;
    const bounds = sliceBounds(data.dims[axis] ?? 0, start, ends[k] ?? 0, 1);
    if (bounds === undefined || bounds[1] <= bounds[0]) return undefined;
    ranges[axis] = [{ begin: bounds[0], size: bounds[1] - bounds[0] }];
  }
  return pick(data, ranges);
}

const VIEWS = new Set(['Flatten', 'Identity', 'Reshape', 'Squeeze', 'Unsqueeze']);

function reversed(dims: readonly number[]): number[] {
  return dims.map((_, i) => dims.length - 1 - i);
}

/** The shape after a view; `list` is its second input. Undefined if it does not fit. */
function viewDims(node: Node, dims: readonly number[], list: readonly number[] | undefined): number[] | undefined {
  const axes = list ?? attribute(node, 'axes', 'ints', []);
  if (axes.some((axis) => !Number.isInteger(axis)) || axes.length > 64) return undefined;
  const rank = dims.length + (node.op === 'Unsqueeze' ? axes.length : 0);
  const along = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  const rest = [...dims];
  const unsqueezed = () => Array.from({ length: rank }, (_, i) => (along.has(i) ? 1 : (rest.shift() ?? 1)));
  const squeezed = () => dims.filter((size, i) => !(along.size === 0 ? size === 1 : along.has(i)));
  const at = attribute(node, 'axis', 'int', 1);
  const views: Record<string, () => number[]> = {
    Identity: () => [...dims],
    Reshape: () => resolved(axes, dims),
    Unsqueeze: unsqueezed,
    Squeeze: squeezed,
    Flatten: () => [elements(dims.slice(0, at)), elements(dims.slice(at))],
  };
  const out = views[node.op]?.();
  return out !== undefined && elements(out) === elements(dims) ? out : undefined;
}

function resolved(shape: readonly number[], dims: readonly number[]): number[] {
  const copied = shape.map((size, i) => (size === 0 ? (dims[i] ?? 0) : size));
  const given = copied.filter((size) => size !== -1).reduce((product, size) => product * size, 1);
  return copied.map((size) => (size === -1 ? elements(dims) / given : size));
}

function transposeTensor(tensor: Tensor, perm: readonly number[]): Tensor | undefined {
  const { dims, bytes, type } = tensor;
  if (perm.length !== dims.length || new Set(perm).size !== perm.length) return undefined;
  if (perm.some((axis) => dims[axis] === undefined)) return undefined;
  const size = bytesPerElement(type);
  const out = new Uint8Array(bytes.byteLength);
  if (size === 4 && perm.length === 2) {
    transposeMatrix(new Uint8Array(bytes), out, dims[0] ?? 1, dims[1] ?? 1);
  } else {
    turn(bytes, out, dims, perm, size);
  }
  return { type, dims: perm.map((axis) => dims[axis] ?? 1), bytes: out };
}

/** Elements of `size` bytes in the order that `perm` puts the axes in; counted through without a list of them. */
function turn(from: Uint8Array, to: Uint8Array, dims: readonly number[], perm: readonly number[], size: number): void {
  const strides = stridesOf(dims);
  const axes = perm
    .map((axis) => ({ count: dims[axis] ?? 1, stride: (strides[axis] ?? 0) * size, index: 0 }))
    .reverse();
  let source = 0;
  for (let target = 0; target < to.length; target += size) {
    for (let byte = 0; byte < size; byte++) to[target + byte] = from[source + byte] ?? 0;
    for (const axis of axes) {
      source += axis.stride;
      if (++axis.index < axis.count) break;
      source -= axis.stride * axis.count;
      axis.index = 0;
    }
  }
}

/** [rows, columns] of four bytes each, turned; both arrays begin at the start of their buffers. */
function transposeMatrix(from: Uint8Array, to: Uint8Array, rows: number, columns: number): void {
  const [source, target] = [new Uint32Array(from.buffer), new Uint32Array(to.buffer)];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) target[column * rows + row] = source[row * columns + column] ?? 0;
  }
}
