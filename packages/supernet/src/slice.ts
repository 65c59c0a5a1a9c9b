/** Prefixes of constant tensors: the part of a shared parameter that a subnet uses. */
import { bytesPerElement, type Tensor } from './onnx/model.js';
import type { Cut } from './ops/handler.js';
import type { SubnetConfig } from './spec.js';
import { sizeIn } from './supernet.js';

/** The sizes of `tensor` in a subnet. */
export function cutDims(tensor: Tensor, cuts: readonly Cut[], config: SubnetConfig): number[] {
  const dims = [...tensor.dims];
  for (const { axis, extent } of cuts) dims[axis] = sizeIn(config, extent);
  return dims;
}

/** The first `dims[i]` entries of every axis, as a new tensor; the tensor itself when that is all of it. */
export function prefix(tensor: Tensor, dims: readonly number[]): Tensor {
  if (dims.every((size, axis) => size === tensor.dims[axis])) return tensor;
  const size = bytesPerElement(tensor.type);
  const out = new Uint8Array(dims.reduce((product, n) => product * n, size));
  const strides = tensor.dims.map((_, axis) => tensor.dims.slice(axis + 1).reduce((product, n) => product * n, size));
  let written = 0;
  const copy = (axis: number, begin: number): void => {
    const count = dims[axis] ?? 1;
    const stride = strides[axis] ?? size;
    const whole = dims.slice(axis + 1).every((n, i) => n === tensor.dims[axis + 1 + i]);
    if (whole) {
      out.set(tensor.bytes.subarray(begin, begin + count * stride), written);
      written += count * stride;
    } else {
      for (let i = 0; i < count; i++) copy(axis + 1, begin + i * stride);
    }
  };
  copy(0, 0);
  return { type: tensor.type, dims: [...dims], bytes: out };
}
