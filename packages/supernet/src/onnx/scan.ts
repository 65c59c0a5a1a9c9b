/**
 * Looks over the bytes of an ONNX file before they are decoded: that every length lies within the file, and that it
 * does not hold more messages, or nest them deeper, than a network needs. Decoding makes objects of them all, a hundred
 * bytes for each that may take two in the file.
 *
 * The wire format: https://protobuf.dev/programming-guides/encoding/
 */
import { SupernetError } from '../errors.js';

const MAX_FIELDS = 2 ** 20;
const MAX_NODES = 50_000;
const MAX_DEPTH = 32;

/** By field number: the message in it, or numbers that may be packed. All other fields are skipped. */
interface Message {
  readonly fields: ReadonlyMap<number, Message | 'numbers' | 'chunk'>;
}

function message(fields: [number, Message | 'numbers' | 'chunk'][] = []): {
  fields: Map<number, Message | 'numbers' | 'chunk'>;
} {
  return { fields: new Map(fields) };
}

const tensor = message([
  [1, 'numbers'],
  [4, 'chunk'],
  [5, 'chunk'],
  [7, 'chunk'],
  [10, 'chunk'],
  [13, message()],
]);
const value = message([[2, message([[1, message([[2, message([[1, message()]])]])]])]]);
const attribute = message([
  [5, tensor],
  [7, 'numbers'],
  [8, 'numbers'],
]);
const node = message([[5, attribute]]);
const graph = message([
  [1, node],
  [5, tensor],
  [11, value],
  [12, value],
  [15, message()],
]);
attribute.fields.set(6, graph);
const model = message([
  [7, graph],
  [8, message()],
  [25, message()],
]);

/** @throws SupernetError `corrupt-model`, `unsupported-model` */
export function scanModel(bytes: Uint8Array): void {
  new Scan(bytes).message(model, 0, bytes.length, 0);
}

class Scan {
  private at = 0;
  private fieldsLeft = MAX_FIELDS;
  private nodesLeft = MAX_NODES;

  constructor(private readonly bytes: Uint8Array) {}

  message(kind: Message, begin: number, end: number, depth: number): void {
    if (depth > MAX_DEPTH) throw new SupernetError('unsupported-model', 'The model nests graphs too deeply.');
    this.at = begin;
    while (this.at < end) {
      const key = this.varint(end);
      const content = kind.fields.get(Math.floor(key / 8));
      this.count(1, content === node ? 1 : 0);
      const wire = key % 8;
      if (content === 'chunk' && wire !== 2)
        throw new SupernetError('unsupported-model', 'The model has unpacked values.');
      if (wire === 0) this.varint(end);
      else if (wire === 1) this.at += 8;
      else if (wire === 5) this.at += 4;
      else if (wire === 2) this.lengthDelimited(content, end, depth);
      else throw corrupt();
      if (this.at > end) throw corrupt();
    }
  }

  private lengthDelimited(content: Message | 'numbers' | 'chunk' | undefined, end: number, depth: number): void {
    const length = this.varint(end);
    const [begin, close] = [this.at, this.at + length];
    if (close > end) throw corrupt();
    if (content === 'numbers') this.count(length, 0);
    else if (content !== undefined && content !== 'chunk') this.message(content, begin, close, depth + 1);
    this.at = close;
  }

  private varint(end: number): number {
    let number = 0;
    for (let shift = 0; shift < 10; shift++) {
      const byte = this.bytes[this.at++];
      if (byte === undefined || this.at > end) throw corrupt();
      number += (byte & 127) * 2 ** (7 * shift);
      if (byte < 128) return number;
    }
    throw corrupt();
  }

  private count(fields: number, nodes: number): void {
    this.fieldsLeft -= fields;
    this.nodesLeft -= nodes;
    if (this.fieldsLeft >= 0 && this.nodesLeft >= 0) return;
    throw new SupernetError('unsupported-model', 'The model has more nodes and fields than a network needs.');
  }
}

function corrupt(): SupernetError {
  return new SupernetError('corrupt-model', 'The file is no ONNX model: its protobuf cannot be decoded.');
}
