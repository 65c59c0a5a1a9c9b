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
import { createGunzip } from 'node:zlib';
import { SlacklineError } from './errors.js';
import { largestFileBytes } from './submissions.js';

/** NumPy's own headers take a few hundred bytes; what is longer describes no array of ours. */
const mostHeaderBytes = 65_536;
/** Deflate makes no byte of less than 1/1032 byte: a file that states more elements than that ends before them. */
const mostExpansion = 1_032;

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
 * The array in the bytes of a file. A plain file is not copied where its elements are aligned: the array lies in it.
 *
 * @param what names the file in errors
 * @throws SlacklineError `invalid_array`
 */
export async function parseArray(file: Uint8Array, what: string): Promise<ArrayFile> {
  if (file[0] === 0x1f && file[1] === 0x8b) return unzipArray(file, what);
  const header = readHeader(file, what);
  const found = file.length - header.start;
  if (found !== bytesOf(header)) throw wrongLength(what, header, found);
  const Elements = elements[header.dtype];
  const at = file.byteOffset + header.start;
  if (at % Elements.BYTES_PER_ELEMENT === 0) {
    return { shape: header.shape, data: new Elements(file.buffer as ArrayBuffer, at, countOf(header)) };
  }
  return { shape: header.shape, data: new Elements(file.slice(header.start).buffer as ArrayBuffer) };
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

/** Unzips the header, and then no more than it states. */
async function unzipArray(file: Uint8Array, what: string): Promise<ArrayFile> {
  let head = Buffer.alloc(0);
  let header: Header | undefined;
  let elementBytes = new Uint8Array(0);
  let found = 0;
  const take = (chunk: Uint8Array) => {
    if (header !== undefined && found + chunk.length <= elementBytes.length) elementBytes.set(chunk, found);
    found += chunk.length;
    if (header !== undefined && found > elementBytes.length) throw wrongLength(what, header, found);
  };
  for await (const chunk of unzipped(file, what)) {
    if (header !== undefined) take(chunk);
    else {
      head = Buffer.concat([head, chunk]);
      if (headerEnd(head, what) > head.length) continue;
      header = readHeader(head, what);
      const stated = bytesOf(header);
      if (!(stated <= Math.min(largestFileBytes, file.length * mostExpansion))) {
        throw broken(what, `is too short for ${header.shape.join('x')} elements, or they are too many`);
      }
      elementBytes = new Uint8Array(stated);
      take(head.subarray(header.start));
    }
  }
  header ??= readHeader(head, what);
  if (found !== elementBytes.length) throw wrongLength(what, header, found);
  return { shape: header.shape, data: new elements[header.dtype](elementBytes.buffer) };
}

async function* unzipped(file: Uint8Array, what: string): AsyncGenerator<Uint8Array, void, void> {
  const gunzip = createGunzip();
  gunzip.end(file);
  try {
    for await (const chunk of gunzip) yield chunk as Uint8Array;
  } catch (cause) {
    throw new SlacklineError('invalid_array', `${what} cannot be unzipped`, { cause });
  }
}

interface Header {
  dtype: Dtype;
  shape: number[];
  /** Where the elements begin. */
  start: number;
}

const countOf = ({ shape }: Header) => shape.reduce((product, dimension) => product * dimension, 1);
const bytesOf = (header: Header) => countOf(header) * elements[header.dtype].BYTES_PER_ELEMENT;

function wrongLength(what: string, header: Header, foundBytes: number): SlacklineError {
  const found = foundBytes / elements[header.dtype].BYTES_PER_ELEMENT;
  const more = foundBytes > bytesOf(header) ? 'or more ' : '';
  return broken(what, `has ${found} ${more}elements behind its header instead of ${header.shape.join('x')}`);
}

/** Where the header ends, or what of the file must be there to tell. */
function headerEnd(bytes: Uint8Array, what: string): number {
  if (bytes.length < 12) return 12;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!Buffer.from(bytes.subarray(0, 6)).equals(magic)) throw broken(what, 'is no .npy file');
  const isShort = view.getUint8(6) < 2;
  const length = isShort ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > mostHeaderBytes) throw broken(what, `has a header of ${length} bytes`);
  return (isShort ? 10 : 12) + length;
}

function readHeader(bytes: Uint8Array, what: string): Header {
  const start = headerEnd(bytes, what);
  if (bytes.length < 12) throw broken(what, 'is no .npy file');
  if (start > bytes.length) throw broken(what, 'ends in the middle of its header');
  const headerStart = (bytes[6] ?? 0) < 2 ? 10 : 12;
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
