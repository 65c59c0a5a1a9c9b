/** Numbers of JSON or msgpack into a tensor's memory, each checked against the datatype. */
import type { Datatype, TensorMetadata } from './catalog.js';
import { SlacklineError } from './errors.js';
import { quote } from './quote.js';
import { newTensorData, rowElements, rowShape } from './tensors.js';

/** What the elements of a datatype may be. */
interface Range {
  integer: boolean;
  least: number;
  most: number;
}

const ranges: Readonly<Record<Datatype, Range>> = {
  BOOL: { integer: true, least: 0, most: 1 },
  UINT8: { integer: true, least: 0, most: 255 },
  INT8: { integer: true, least: -128, most: 127 },
  INT16: { integer: true, least: -32_768, most: 32_767 },
  INT32: { integer: true, least: -2_147_483_648, most: 2_147_483_647 },
  // Beyond these a JavaScript number is no longer the integer that was written; raw bytes carry all 64 bits.
  INT64: { integer: true, least: Number.MIN_SAFE_INTEGER, most: Number.MAX_SAFE_INTEGER },
  // The largest value that rounds to a finite single.
  FP32: { integer: false, least: -3.4028235677973362e38, most: 3.4028235677973362e38 },
  FP64: { integer: false, least: -Number.MAX_VALUE, most: Number.MAX_VALUE },
};

/**
 * One row from a flat array, or from arrays nested as the shape says, as raw little-endian bytes.
 * Throws `wrong_input` naming the first element that does not fit. NaN and infinities fit nowhere.
 */
export function elementsFrom(data: unknown, metadata: TensorMetadata): Uint8Array {
  const name = quote(metadata.name);
  if (!Array.isArray(data)) throw new SlacklineError('wrong_input', `The data of ${name} is not an array of numbers`);
  const elements = rowElements(metadata);
  const shape = rowShape(metadata);
  const isNested = Array.isArray(data[0]) && shape.length > 1;
  if (!isNested && data.length !== elements) {
    throw new SlacklineError(
      'wrong_input',
      `The data of ${name} has ${data.length} elements, but one row of [${shape.join(', ')}] has ${elements}`,
    );
  }
  const { data: target, bytes } = newTensorData(metadata.datatype, elements);
  const range = ranges[metadata.datatype];
  let index = 0;

  const take = (value: unknown) => {
    const number = typeof value === 'boolean' && metadata.datatype === 'BOOL' ? Number(value) : value;
    if (typeof number !== 'number') {
      throw new SlacklineError('wrong_input', `Element ${index} of ${name} is ${kindOf(value)}, not a number`);
    }
    // Written so that NaN fails it.
    if (!(number >= range.least && number <= range.most) || (range.integer && !Number.isInteger(number))) {
      throw new SlacklineError(
        'wrong_input',
        `Element ${index} of ${name} is ${number}, which is no ${metadata.datatype}`,
      );
    }
    if (target instanceof BigInt64Array) target[index] = BigInt(number);
    else target[index] = number;
    index++;
  };

  const takeNested = (level: unknown, axis: number) => {
    const size = shape[axis] ?? 0;
    if (!Array.isArray(level) || level.length !== size) {
      const found = Array.isArray(level) ? `${level.length} elements` : kindOf(level);
      throw new SlacklineError('wrong_input', `The data of ${name} has ${found} in dimension ${axis}, not ${size}`);
    }
    if (axis === shape.length - 1) for (const value of level) take(value);
    else for (const inner of level) takeNested(inner, axis + 1);
  };

  if (isNested) takeNested(data, 0);
  else for (const value of data) take(value);
  return bytes;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}
