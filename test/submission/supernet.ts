/**
 * A supernet to submit: four inputs, up to sixteen hidden units, three classes, random weights. The labels are what the
 * largest subnet says, so that it is right on all of them and a smaller one on fewer.
 */
import { createHash } from 'node:crypto';
import type { LocalFile, LocalFiles } from '@slackline/cli';
import { type Model, writeModel } from '@slackline/supernet';
import { dump } from 'npyjs';

export const inputs = 4;
const hidden = 16;
export const classes = 3;

/** Numbers in -1..1 that the seed fixes. */
function random(seed: string, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const word = createHash('sha256').update(`${seed}/${i}`).digest().readUInt32LE();
    return word / 2 ** 31 - 1;
  });
}

function weights(seed: string) {
  return { w1: random(`${seed}/w1`, inputs * hidden), w2: random(`${seed}/w2`, hidden * classes) };
}

/** @param op of the activation, so that a test can put something unheard of there */
export function network(seed: string, op = 'Relu', input = 'x'): Model {
  const { w1, w2 } = weights(seed);
  const tensor = (dims: number[], values: Float32Array) => {
    return { type: 'float32' as const, dims, bytes: new Uint8Array(values.buffer) };
  };
  const node = (type: string, from: string[], to: string) => {
    return { op: type, domain: '', name: `${to}_node`, inputs: from, outputs: [to], attributes: {} };
  };
  return {
    irVersion: 8,
    opsets: new Map([['', 14]]),
    graph: {
      name: 'net',
      inputs: [{ name: input, type: 'float32', dims: ['n', inputs] }],
      outputs: [{ name: 'y', type: 'float32', dims: ['n', classes] }],
      nodes: [node('MatMul', [input, 'w1'], 'h'), node(op, ['h'], 'r'), node('MatMul', ['r', 'w2'], 'y')],
      initializers: new Map([
        ['w1', tensor([inputs, hidden], w1)],
        ['w2', tensor([hidden, classes], w2)],
      ]),
    },
  };
}

export const spec = { channels: { width: { layers: ['w1'], sizes: [2, 4, 8, hidden] } }, depth: {} };

/** The class that the largest subnet gives a row. */
function classOf(x: Float32Array, { w1, w2 }: ReturnType<typeof weights>): number {
  const scores = new Float32Array(classes);
  for (let unit = 0; unit < hidden; unit++) {
    let sum = 0;
    for (let i = 0; i < inputs; i++) sum += (x[i] ?? 0) * (w1[i * hidden + unit] ?? 0);
    for (let c = 0; c < classes; c++) scores[c] = (scores[c] ?? 0) + Math.max(0, sum) * (w2[unit * classes + c] ?? 0);
  }
  return scores.indexOf(Math.max(...scores));
}

export function rows(seed: string, count: number): Float32Array {
  return random(`${seed}/rows`, count * inputs);
}

/** Bytes of a .npy file. */
export function npy(data: Parameters<typeof dump>[0], shape: number[]): Uint8Array {
  return new Uint8Array(dump(data, shape));
}

/** The bytes of every part of a submission. */
export interface Parts {
  onnx: Uint8Array;
  spec: Uint8Array;
  calibration?: Uint8Array;
  images: Uint8Array;
  labels: Uint8Array;
}

/** A submission that is right in everything. Another seed is another network. */
export function parts(seed = 'a', count = 60): Parts {
  const images = rows(seed, count);
  const known = weights(seed);
  const labels = Int32Array.from({ length: count }, (_, row) =>
    classOf(images.subarray(row * inputs, (row + 1) * inputs), known),
  );
  return {
    onnx: writeModel(network(seed)),
    spec: new TextEncoder().encode(JSON.stringify(spec)),
    images: npy(images, [count, inputs]),
    labels: npy(labels, [count]),
  };
}

/** As the command reads them from a disk. */
export function filesOf(given: Parts): LocalFiles {
  const { onnx, spec: specFile, calibration, images, labels } = given;
  return {
    onnx: local(onnx),
    spec: local(specFile),
    ...(calibration !== undefined && { calibration: local(calibration) }),
    images: local(images),
    labels: local(labels),
  };
}

export function local(data: Uint8Array): LocalFile {
  return { data, bytes: data.length, digest: createHash('sha256').update(data).digest('hex') };
}
