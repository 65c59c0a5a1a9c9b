/** Two networks small enough to be built in a test: a convolutional one with BatchNormalization, and a transformer. */

import type { ArrayFile } from '@slackline/shared';
import {
  calibrate,
  largestConfig,
  type Model,
  type Node,
  readSupernet,
  type Supernet,
  SupernetSession,
  writeModel,
} from '@slackline/supernet';
import type { BuildSources } from '../build/sources.js';
import { randomOf } from '../search/random.js';
import type { Labelled } from '../stages/accuracy.js';

type Tensor = Model['graph']['initializers'] extends Map<string, infer T> ? T : never;
type Attributes = Record<string, number | number[]>;

const classes = 4;

/** Collects nodes and random weights. */
class Sketch {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Tensor>();
  readonly #random = randomOf(1, 'weights');

  /** Adds a node, whose only output is called after it. */
  op(op: string, name: string, inputs: string[], attributes: Attributes = {}): string {
    const typed = Object.entries(attributes).map(([key, value]) => {
      return [key, Array.isArray(value) ? { kind: 'ints', value } : { kind: 'int', value }];
    });
    this.nodes.push({ op, domain: '', name, inputs, outputs: [name], attributes: Object.fromEntries(typed) });
    return name;
  }

  /** A constant of random values around `offset`. */
  weight(name: string, dims: number[], scale = 1, offset = 0): string {
    const count = dims.reduce((a, b) => a * b, 1);
    const values = Float32Array.from({ length: count }, () => offset + scale * (2 * this.#random.next() - 1));
    this.initializers.set(name, { type: 'float32', dims, bytes: new Uint8Array(values.buffer) });
    return name;
  }

  bytes(dims: number[]): Uint8Array {
    const inputs = [{ name: 'x', type: 'float32' as const, dims: ['n', ...dims] }];
    const outputs = [{ name: 'scores', type: 'float32' as const, dims: ['n', classes] }];
    const graph = { name: 'tiny', inputs, outputs, nodes: this.nodes, initializers: this.initializers };
    return writeModel({ irVersion: 8, opsets: new Map([['', 17]]), graph });
  }
}

/** 2 residual blocks of elastic inner width, both of which can be left out. */
function convolutional(): { onnx: Uint8Array; spec: unknown; dims: number[] } {
  const net = new Sketch();
  const conv = (name: string, x: string, from: number, to: number) => {
    const weight = net.weight(`${name}.weight`, [to, from, 3, 3], 1 / Math.sqrt(from));
    return net.op('Conv', name, [x, weight], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  };
  const norm = (name: string, x: string, channels: number) => {
    const [scale, shift] = [net.weight(`${name}.g`, [channels], 0.3, 1), net.weight(`${name}.b`, [channels], 0.5)];
    const [mean, variance] = [net.weight(`${name}.m`, [channels], 0), net.weight(`${name}.v`, [channels], 0, 1)];
    return net.op('BatchNormalization', name, [x, scale, shift, mean, variance]);
  };
  let x = net.op('Relu', 'begin', [norm('stem.norm', conv('stem', 'x', 2, 8), 8)]);
  const blocks = ['a', 'b'].map((block) => {
    const from = x;
    const inner = net.op('Relu', `${block}.relu`, [norm(`${block}.norm1`, conv(`${block}.1`, x, 8, 16), 16)]);
    x = net.op('Add', `${block}.sum`, [x, norm(`${block}.norm2`, conv(`${block}.2`, inner, 16, 8), 8)]);
    return { from, to: x };
  });
  const pooled = net.op('Flatten', 'flat', [net.op('GlobalAveragePool', 'pooled', [x])]);
  net.op('Gemm', 'scores', [pooled, net.weight('head', [8, classes])]);
  const channels = {
    inner1: { layers: ['a.1.weight'], sizes: [4, 8, 16] },
    inner2: { layers: ['b.1.weight'], sizes: [4, 8, 16] },
  };
  return {
    onnx: net.bytes([2, 6, 6]),
    spec: { channels, depth: { depth: { blocks, depths: [0, 1, 2] } } },
    dims: [2, 6, 6],
  };
}

/** 2 layers of attention and feed-forward of elastic width. */
function transformer(): { onnx: Uint8Array; spec: unknown; dims: number[] } {
  const net = new Sketch();
  const linear = (name: string, x: string, from: number, to: number) => {
    return net.op('MatMul', name, [x, net.weight(`${name}.weight`, [from, to], 1.5 / Math.sqrt(from))]);
  };
  const norm = (name: string, x: string) => {
    return net.op('LayerNormalization', name, [x, net.weight(`${name}.g`, [8], 0.3, 1), net.weight(`${name}.b`, [8])]);
  };
  let x = linear('embed', 'x', 3, 8);
  const blocks = ['a', 'b'].map((block) => {
    const from = x;
    const y = norm(`${block}.norm1`, x);
    const [query = '', key = '', value = ''] = ['query', 'key', 'value'].map((p) => linear(`${block}.${p}`, y, 8, 8));
    const turned = net.op('Transpose', `${block}.turned`, [key], { perm: [0, 2, 1] });
    const alike = net.op('Softmax', `${block}.softmax`, [net.op('MatMul', `${block}.alike`, [query, turned])]);
    const mixed = linear(`${block}.out`, net.op('MatMul', `${block}.mixed`, [alike, value]), 8, 8);
    const attended = net.op('Add', `${block}.attended`, [x, mixed]);
    const wide = net.op('Relu', `${block}.relu`, [linear(`${block}.1`, norm(`${block}.norm2`, attended), 8, 16)]);
    x = net.op('Add', `${block}.sum`, [attended, linear(`${block}.2`, wide, 16, 8)]);
    return { from, to: x };
  });
  const mean = net.op('ReduceMean', 'mean', [x], { axes: [1], keepdims: 0 });
  net.op('MatMul', 'scores', [mean, net.weight('head', [8, classes])]);
  const channels = {
    wide1: { layers: ['a.1.weight'], sizes: [4, 8, 16] },
    wide2: { layers: ['b.1.weight'], sizes: [4, 8, 16] },
  };
  return { onnx: net.bytes([5, 3]), spec: { channels, depth: { depth: { blocks, depths: [0, 1, 2] } } }, dims: [5, 3] };
}

/** A network with inputs that are labelled as its largest subnet answers: the smaller a subnet, the more it errs. */
export async function tinySources(kind: 'convolutional' | 'transformer'): Promise<BuildSources> {
  const { onnx, spec, dims } = kind === 'convolutional' ? convolutional() : transformer();
  const supernet = readSupernet(onnx, spec);
  const calibration = kind === 'convolutional' ? inputs(dims, 64, 'calibration') : undefined;
  const labelled = async (purpose: string): Promise<Labelled> => {
    const images = inputs(dims, 120, purpose);
    return { images, labels: await answers(supernet, images, calibration) };
  };
  return { supernet, onnx, spec, calibration, heldOut: await labelled('held out'), test: await labelled('test') };
}

function inputs(dims: number[], count: number, purpose: string): ArrayFile {
  const random = randomOf(1, purpose);
  const size = dims.reduce((a, b) => a * b, count);
  return { shape: [count, ...dims], data: Float32Array.from({ length: size }, () => 2 * random.next() - 1) };
}

/** The largest subnet's answers. */
async function answers(supernet: Supernet, { shape, data }: ArrayFile, calibration?: ArrayFile): Promise<Uint8Array> {
  const config = largestConfig(supernet);
  const statistics = calibration === undefined ? {} : await calibrate(supernet, config, calibration.data);
  const session = await SupernetSession.open(supernet, [{ id: 'largest', config, statistics }]);
  const rows = shape[0] ?? 0;
  const [scores = new Float32Array()] = await session.run(data, rows);
  await session.release();
  return Uint8Array.from({ length: rows }, (_, row) => {
    const own = scores.subarray(row * classes, (row + 1) * classes);
    return own.indexOf(Math.max(...own));
  });
}
