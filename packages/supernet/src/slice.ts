/** Parts of constant tensors: above all, what a subnet uses of a shared parameter. */
import { type Range, rangesIn, sizeIn } from './extent.js';
import { bytesPerElement, type Tensor } from './onnx/model.js';
import type { Cut } from './ops/handler.js';
import type { SubnetConfig } from './spec.js';

/** The sizes of `tensor` in a subnet. */
export function cutDims(tensor: Tensor, cuts: readonly Cut[], config: SubnetConfig): number[] {
  const dims = [...tensor.dims];
  for (const { axis, extent } of cuts) dims[axis] = sizeIn(config, extent);
  return dims;
}

/** What a subnet uses of a tensor, as a new tensor; the tensor itself when that is all of it. */
export function cutTensor(tensor: Tensor, cuts: readonly Cut[], config: SubnetConfig): Tensor {
  const ranges = tensor.dims.map((size): Range[] => [{ begin: 0, size }]);
  for (const { axis, extent } of cuts) ranges[axis] = rangesIn(config, extent);
  return pick(tensor, ranges);
}

/** The entries in these ranges of every axis, one after the other; the tensor itself when that is all of it. */
export function pick(tensor: Tensor, ranges: readonly (readonly Range[])[]): Tensor {
  const dims = ranges.map((list) => list.reduce((sum, { size }) => sum + size, 0));
  if (dims.every((size, axis) => size === tensor.dims[axis])) return tensor;
  const size = bytesPerElement(tensor.type);
  if (dims.includes(0)) return { type: tensor.type, dims, bytes: new Uint8Array(0) };
  const out = new Uint8Array(dims.reduce((product, n) => product * n, size));
  const strides = tensor.dims.map((_, axis) => tensor.dims.slice(axis + 1).reduce((product, n) => product * n, size));
  /** The last axis that is cut: from there on, ranges are copied in one go. */
  const innermost = dims.findLastIndex((n, axis) => n !== tensor.dims[axis]);
  let written = 0;
  const copy = (axis: number, base: number): void => {
    const stride = strides[axis] ?? size;
    for (const { begin, size: count } of ranges[axis] ?? []) {
      if (axis === innermost) {
        out.set(tensor.bytes.subarray(base + begin * stride, base + (begin + count) * stride), written);
        written += count * stride;
      } else {
        for (let i = begin; i < begin + count; i++) copy(axis + 1, base + i * stride);
      }
    }
  };
  copy(0, 0);
  return { type: tensor.type, dims, bytes: out };
}
