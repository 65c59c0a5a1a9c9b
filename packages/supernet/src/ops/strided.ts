/** Index arithmetic on row-major arrays: broadcasting, gathering and slicing as ONNX defines them. */

export interface Selection {
  readonly dims: number[];
  /** Where each element of the result stands in the source. */
  readonly indices: number[];
}

/** The element, which is there. */
export function at<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError(`there is no element ${index}`);
  return value;
}

/** What it takes to walk a shape: its elements, but an empty axis lets the axes before it be walked all the same. */
export function walkLength(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * Math.max(1, size), 1);
}

/** Elements from one entry of each axis to the next. */
export function stridesOf(dims: readonly number[]): number[] {
  return dims.map((_, axis) => dims.slice(axis + 1).reduce((product, size) => product * size, 1));
}

/** The shape that both broadcast to; undefined if they do not. */
export function broadcastDims(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const out = Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    return x === 1 ? y : y === 1 || x === y ? x : Number.NaN;
  });
  return out.some(Number.isNaN) ? undefined : out;
}

/** For each element of shape `dims`, where the one that is broadcast there stands in an array of shape `from`. */
export function positions(from: readonly number[], dims: readonly number[]): number[] {
  const strides = stridesOf(from);
  const offset = dims.length - from.length;
  return walk(
    dims,
    dims.map((_, axis) => (axis < offset || from[axis - offset] === 1 ? 0 : (strides[axis - offset] ?? 0))),
  );
}

function walk(dims: readonly number[], strides: readonly number[]): number[] {
  let indices = [0];
  for (const [axis, size] of dims.entries()) {
    const stride = strides[axis] ?? 0;
    indices = indices.flatMap((base) => Array.from({ length: size }, (_, i) => base + i * stride));
  }
  return indices;
}

export function gatherIndices(
  dims: readonly number[],
  axis: number,
  indexDims: readonly number[],
  index: readonly number[],
  limit: number,
): Selection | undefined {
  const along = axis < 0 ? axis + dims.length : axis;
  const size = dims[along];
  if (size === undefined || index.some((i) => !Number.isInteger(i) || i < -size || i >= size)) return undefined;
  const inner = dims.slice(along + 1).reduce((product, n) => product * n, 1);
  const outer = dims.slice(0, along).reduce((product, n) => product * n, 1);
  if (walkLength([...dims.slice(0, along), index.length, ...dims.slice(along + 1)]) > limit) return undefined;
  const indices = Array.from({ length: outer }, (_, o) => o).flatMap((o) =>
    index.flatMap((i) => {
      const begin = (o * size + (i < 0 ? i + size : i)) * inner;
      return Array.from({ length: inner }, (_, k) => begin + k);
    }),
  );
  return { dims: [...dims.slice(0, along), ...indexDims, ...dims.slice(along + 1)], indices };
}

/** Begin, end and step of a slice along an axis of `size`, resolved as ONNX does; only steps forward. */
export function sliceBounds(size: number, start: number, end: number, step: number): [number, number] | undefined {
  if (!Number.isInteger(step) || step < 1) return undefined;
  const clamp = (bound: number) => Math.max(0, Math.min(size, bound < 0 ? bound + size : bound));
  return [clamp(start), clamp(end)];
}

export function sliceIndices(
  dims: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
  axes: readonly number[] = starts.map((_, i) => i),
  steps: readonly number[] = starts.map(() => 1),
): Selection | undefined {
  const kept = dims.map((size) => Array.from({ length: size }, (_, i) => i));
  for (const [k, start] of starts.entries()) {
    const axis = (axes[k] ?? 0) < 0 ? (axes[k] ?? 0) + dims.length : (axes[k] ?? 0);
    const [size, step] = [dims[axis], steps[k] ?? 1];
    const bounds = size === undefined ? undefined : sliceBounds(size, start, ends[k] ?? 0, step);
    if (bounds === undefined) return undefined;
    kept[axis] = at(kept, axis).filter((i) => i >= bounds[0] && i < bounds[1] && (i - bounds[0]) % step === 0);
  }
  const strides = stridesOf(dims);
  let indices = [0];
  for (const [axis, list] of kept.entries()) {
    indices = indices.flatMap((base) => list.map((i) => base + i * at(strides, axis)));
  }
  return { dims: kept.map((list) => list.length), indices };
}
