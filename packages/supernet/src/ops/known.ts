/**
 * Small tensors that are worked out while following the graph: the shape arithmetic that exporters write for
 * `x.view(x.shape[0], ...)`, and arithmetic on small constants. The size of the batch stays a symbol.
 */
import { SupernetError } from '../errors.js';
import {
  bytesPerElement,
  type DataType,
  floats,
  floatTensor,
  int64Tensor,
  integers,
  type Tensor,
} from '../onnx/model.js';
import { walkLength } from './strided.js';

/** A number in the largest subnet; with `rows` that many times the rows of a batch. */
export interface Quantity {
  readonly n: number;
  readonly rows: boolean;
  /** The groups whose sizes it comes from: where there are some, good to group axes by, not to compute with. */
  readonly groups: readonly string[];
}

/** A tensor of quantities, row-major. */
export interface Known {
  readonly type: DataType;
  readonly dims: readonly number[];
  readonly values: readonly Quantity[];
}

/** Larger constants are weights, and no arithmetic on them is looked into. */
export const MAX_KNOWN = 1 << 16;

export function plain(n: number): Quantity {
  return { n, rows: false, groups: [] };
}

/** The groups that all of these come from. */
export function groupsOf(quantities: readonly Quantity[]): readonly string[] {
  if (quantities.every(({ groups }) => groups.length === 0)) return [];
  return [...new Set(quantities.flatMap(({ groups }) => groups))];
}

/** True for a number that is the same for every batch and in every subnet. */
export function isNumber({ rows, groups }: Quantity): boolean {
  return !rows && groups.length === 0;
}

/** The quantities of a small constant; undefined if it is large or of another type than numbers and flags. */
export function knownTensor(tensor: Tensor): Known | undefined {
  if (walkLength(tensor.dims) > MAX_KNOWN || tensor.dims.some((size) => size > MAX_KNOWN)) return undefined;
  const values = numbers(tensor);
  return values === undefined ? undefined : { type: tensor.type, dims: tensor.dims, values: values.map(plain) };
}

function numbers(tensor: Tensor): number[] | undefined {
  const { bytes, type } = tensor;
  if (type === 'float32') return [...floats(tensor)];
  if (type === 'int64') return integers(tensor);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytesPerElement(type);
  const each = (read: (at: number) => number) =>
    Array.from({ length: bytes.byteLength / size }, (_, i) => read(i * size));
  if (type === 'int32') return each((at) => view.getInt32(at, true));
  if (type === 'bool') return each((at) => view.getUint8(at));
  if (type === 'float64') return each((at) => view.getFloat64(at, true));
  return undefined;
}

/** The constant that a known tensor is; undefined where a quantity is more than a number. */
export function toTensor({ type, dims, values }: Known): Tensor | undefined {
  if (!values.every(isNumber)) return undefined;
  const all = values.map(({ n }) => n);
  const whole = type === 'float32' || type === 'float64' || all.every(Number.isInteger);
  if (!whole) return undefined;
  if (type === 'float32') return floatTensor([...dims], all);
  if (type === 'int64') return int64Tensor([...dims], all.map(clamped));
  if (type === 'int32') return { type, dims: [...dims], bytes: new Uint8Array(Int32Array.from(all).buffer) };
  if (type === 'bool') return { type, dims: [...dims], bytes: Uint8Array.from(all) };
  if (type === 'float64') return { type, dims: [...dims], bytes: new Uint8Array(Float64Array.from(all).buffer) };
  return undefined;
}

/** "To the end" is written as the largest int64, which is no double; 2^53 is as far as any axis goes. */
function clamped(n: number): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, n));
}

/** A known tensor of one type in another: integers lose their fractions, flags become 0 and 1. */
export function castTo(known: Known, type: DataType): Known | undefined {
  const convert = CASTS[type];
  if (convert === undefined) return undefined;
  return { ...known, type, values: known.values.map((value) => ({ ...value, n: convert(value.n) })) };
}

const CASTS: Partial<Record<DataType, (n: number) => number>> = {
  float32: Math.fround,
  float64: (n) => n,
  int64: Math.trunc,
  int32: Math.trunc,
  bool: (n) => (n === 0 ? 0 : 1),
};

/** Refuses to go on with more arithmetic than any real graph needs. */
export class Budget {
  private left = 1 << 24;

  spend(count: number): void {
    this.left -= count;
    if (this.left >= 0) return;
    throw new SupernetError('unsupported-model', 'The graph holds more arithmetic on constants than a network needs.');
  }
}
