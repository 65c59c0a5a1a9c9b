/** Reads NumPy's array files (`.npy`, also gzip-compressed as `.npy.gz`): how a model folder holds images and labels. */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { SlacklineError } from '@slackline/shared';
import { parse } from 'npyjs';

const unzip = promisify(gunzip);

/** Elements that inputs and labels may have; the names are NumPy's. */
const readers = { u1: Uint8Array, i4: Int32Array, f4: Float32Array } as const;
export type ArrayData = Uint8Array | Int32Array | Float32Array;

/** A dense array in row-major order; the first dimension counts the rows. */
export interface ArrayFile<T extends ArrayData = ArrayData> {
  shape: number[];
  data: T;
}

/** Reads an array of uint8, int32 or float32. Throws `invalid_model` when the file is missing or holds anything else. */
export async function readArray(path: string): Promise<ArrayFile> {
  const { data, shape, dtype, fortranOrder } = await parsed(path);
  const known = Object.entries(readers).find(([name]) => name === dtype);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  const elements = known?.[1];
  if (elements === undefined || !(data instanceof elements) || fortranOrder || shape.length === 0) {
    throw new SlacklineError('invalid_model', `${path} holds no row-major uint8, int32 or float32 array`);
  }
  if (data.length !== size) {
    throw new SlacklineError('invalid_model', `${path} has ${data.length} elements instead of ${shape.join('x')}`);
  }
  return { shape, data };
}

/** Reads labels: one uint8 a row. Throws `invalid_model`. */
export async function readLabels(path: string): Promise<Uint8Array> {
  const { data, shape } = await readArray(path);
  if (data instanceof Uint8Array && shape.length === 1) return data;
  throw new SlacklineError('invalid_model', `${path} holds no list of uint8 labels`);
}

/** The rows `from` (inclusive) to `to` (exclusive), without copying. */
export function rows<T extends ArrayData>(array: ArrayFile<T>, from: number, to: number): ArrayFile<T> {
  const [count = 0, ...rest] = array.shape;
  const end = Math.min(to, count);
  const rowSize = array.data.length / Math.max(count, 1);
  return { shape: [end - from, ...rest], data: array.data.subarray(from * rowSize, end * rowSize) as T };
}

async function parsed(path: string) {
  try {
    const file = await readFile(path);
    const plain = path.endsWith('.gz') ? await unzip(file) : file;
    // A copy whose buffer begins with the file: Node's small buffers share one, and elements must be aligned.
    return parse(new Uint8Array(plain).buffer);
  } catch (cause) {
    throw new SlacklineError('invalid_model', `${path} cannot be read as a NumPy array`, { cause });
  }
}
