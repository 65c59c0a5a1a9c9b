/**
 * Reads NumPy's array files (`.npy`, also gzip-compressed): how model folders and submissions hold inputs and labels. The
 * files of a submission come from anybody: every length that they state is checked against what is there.
 *
 *   '\x93NUMPY', major, minor, length of the header (2 bytes little-endian; from version 2 on 4 bytes),
 *   the header as a Python dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }, the elements
 *
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { largestFileBytes, SlacklineError } from '@slackline/shared';

const unzip = promisify(gunzip);

/** By NumPy's names; `b1` is one byte of 0 or 1 for each element. */
const elements = {
  b1: Uint8Array,
  u1: Uint8Array,
  i1: Int8Array,
  u2: Uint16Array,
  i2: Int16Array,
  u4: Uint32Array,
  i4: Int32Array,
  u8: BigUint64Array,
  i8: BigInt64Array,
  f4: Float32Array,
  f8: Float64Array,
} as const;
type Dtype = keyof typeof elements;
export type ArrayData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;
/** The class of each row. */
export type Labels = Uint8Array | Int32Array;

/** A dense array in row-major order; the first dimension counts the rows. */
export interface ArrayFile<T extends ArrayData = ArrayData> {
  shape: number[];
  data: T;
}

/** Reads a file. Throws `invalid_model` when it is missing, and `invalid_array` when it holds anything else. */
export async function readArray(path: string): Promise<ArrayFile> {
  return parseArray(await readBytes(path), path);
}

/** Reads labels: one whole number a row. Throws as `readArray` does. */
export async function readLabels(path: string): Promise<Labels> {
  return labelsOf(await readArray(path), path);
}

/**
 * The array in the bytes of a file.
 *
 * @param what names the file in errors
 * @throws SlacklineError `invalid_array`
 */
export async function parseArray(file: Uint8Array, what: string): Promise<ArrayFile> {
  const bytes = await unzipped(file, what);
  const { dtype, shape, start } = readHeader(bytes, what);
  const Elements = elements[dtype];
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  const found = (bytes.length - start) / Elements.BYTES_PER_ELEMENT;
  if (found !== count) throw broken(what, `has ${found} elements behind its header instead of ${shape.join('x')}`);
  // A copy of its own: elements must be aligned, and what was unzipped may lie anywhere in a larger buffer.
  return { shape, data: new Elements(new Uint8Array(bytes.subarray(start)).buffer) };
}

/** One whole number a row, as small a type as holds them. Throws `invalid_array`. */
export function labelsOf({ shape, data }: ArrayFile, what: string): Labels {
  const integers = !(data instanceof Float32Array || data instanceof Float64Array);
  if (shape.length !== 1 || !integers) throw broken(what, 'holds no list of whole numbers (labels)');
  if (data instanceof Uint8Array || data instanceof Int32Array) return data;
  const labels = new Int32Array(data.length);
  for (let row = 0; row < data.length; row++) {
    const label = Number(data[row]);
    if (label !== (label | 0)) throw broken(what, `has the label ${label} in row ${row}`);
    labels[row] = label;
  }
  return labels;
}

/** The rows `from` (inclusive) to `to` (exclusive), without copying. */
export function rows<T extends ArrayData>(array: ArrayFile<T>, from: number, to: number): ArrayFile<T> {
  const [count = 0, ...rest] = array.shape;
  const end = Math.min(to, count);
  const rowSize = array.data.length / Math.max(count, 1);
  return { shape: [end - from, ...rest], data: array.data.subarray(from * rowSize, end * rowSize) as T };
}

function readHeader(bytes: Uint8Array, what: string): { dtype: Dtype; shape: number[]; start: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || !Buffer.from(bytes.subarray(0, 6)).equals(magic)) throw broken(what, 'is no .npy file');
  const short = view.getUint8(6) < 2;
  const headerStart = short ? 10 : 12;
  const start = headerStart + (short ? view.getUint16(8, true) : view.getUint32(8, true));
  if (start > bytes.length) throw broken(what, 'ends in the middle of its header');
  const header = Buffer.from(bytes.subarray(headerStart, start)).toString('latin1');
  const descr = /'descr'\s*:\s*'([^']{1,16})'/.exec(header)?.[1] ?? 'a record';
  const [, order, dtype] = /^([<>|=]?)(\w+)$/.exec(descr) ?? [];
  if (dtype === undefined || !isDtype(dtype) || (order === '>' && elements[dtype].BYTES_PER_ELEMENT > 1)) {
    const known = Object.keys(elements).join(', ');
    throw broken(what, `holds elements of the type ${descr}, and not one of ${known} in little-endian order`);
  }
  if (!/'fortran_order'\s*:\s*False/.test(header)) throw broken(what, 'is in column-major (Fortran) order');
  const dimensions = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(header)?.[1]?.split(',');
  const shape = dimensions?.map((text) => text.trim()).filter((text) => text !== '');
  if (shape === undefined || shape.length === 0) throw broken(what, 'has no rows: its shape is ()');
  return { dtype, shape: shape.map(Number), start };
}

const magic = Buffer.from('\x93NUMPY', 'latin1');

function isDtype(name: string): name is Dtype {
  return Object.hasOwn(elements, name);
}

async function unzipped(file: Uint8Array, what: string): Promise<Uint8Array> {
  if (file[0] !== 0x1f || file[1] !== 0x8b) return file;
  try {
    return await unzip(file, { maxOutputLength: largestFileBytes });
  } catch (cause) {
    throw new SlacklineError('invalid_array', `${what} cannot be unzipped`, { cause });
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new SlacklineError('invalid_model', `${path} cannot be read`, { cause });
  }
}

function broken(what: string, why: string): SlacklineError {
  return new SlacklineError('invalid_array', `${what} ${why}`);
}
