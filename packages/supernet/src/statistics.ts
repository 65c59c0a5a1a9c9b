/**
 * Calibration: the statistics of a subnet's normalizations, measured on images.
 *
 * Each normalization is given the mean and variance of the batch that passes through it while the values propagate,
 * as in training, and what is kept is the mean over the batches: PyTorch's batch normalization in training mode with a
 * cumulative average. The kept variance is the unbiased one; the batch itself is normalized by the biased one.
 */
import type * as ort from 'onnxruntime-node';
import { canonicalConfig } from './config.js';
import { SupernetError } from './errors.js';
import { extract } from './extract.js';
import { activeNorms, type SubnetStatistics } from './norms.js';
import { elements, floatTensor, int64Tensor, type Model, makeNode, type Node } from './onnx/model.js';
import { attribute } from './ops/handler.js';
import { floatOutput, inputTensor, openSession, type TypedArray } from './ort.js';
import { sizesForOneRow } from './sizes.js';
import type { SubnetConfig } from './spec.js';
import type { Supernet } from './supernet.js';

/** Rows per batch of calibration. */
const BATCH = 256;

/** The outputs that hold one normalization's batch statistics. */
interface Probe {
  readonly name: string;
  readonly mean: string;
  readonly variance: string;
  readonly channels: number;
  /** Height and width, where the tensor has them. */
  readonly spatial: readonly number[];
}

/**
 * @param images the input's elements, row after row; what is left over after the last full row is refused
 * @throws SupernetError `invalid-config`, `invalid-input`
 */
export async function calibrate(
  supernet: Supernet,
  config: SubnetConfig,
  images: TypedArray,
  batch = BATCH,
): Promise<SubnetStatistics> {
  const canonical = canonicalConfig(supernet, config);
  const { model, probes } = probed(supernet, canonical);
  if (probes.length === 0) return {};
  const sums = probes.map(({ channels }) => ({
    mean: new Float64Array(channels),
    variance: new Float64Array(channels),
  }));
  const session = await openSession(model).catch((cause: Error) => {
    throw new SupernetError('unsupported-model', `ONNX Runtime does not run the model: ${cause.message}`, { cause });
  });
  let batches = 0;
  try {
    for (const { tensor, rows } of batchesOf(supernet, images, batch)) {
      const outputs = await session.run(tensor, names(probes));
      for (const [i, probe] of probes.entries()) {
        const sum = sums[i];
        if (sum === undefined) continue;
        const count = elements([rows, ...probe.spatial]);
        add(sum.mean, floatOutput(outputs, probe.mean), 1);
        add(sum.variance, floatOutput(outputs, probe.variance), count / Math.max(1, count - 1));
      }
      batches++;
    }
  } finally {
    await session.release();
  }
  const entries = probes.map(({ name }, i) => [
    name,
    { mean: average(sums[i]?.mean, batches), variance: average(sums[i]?.variance, batches) },
  ]);
  return Object.fromEntries(entries);
}

function names(probes: readonly Probe[]): string[] {
  return probes.flatMap(({ mean, variance }) => [mean, variance]);
}

function add(sum: Float64Array, values: Float32Array, factor: number): void {
  for (const [i, value] of values.entries()) sum[i] = (sum[i] ?? 0) + factor * value;
}

function average(sum: Float64Array | undefined, count: number): Float32Array {
  return Float32Array.from(sum ?? [], (value) => value / count);
}

function* batchesOf(
  { inputs: [input] }: Supernet,
  images: TypedArray,
  batch: number,
): Generator<{ tensor: Record<string, ort.Tensor>; rows: number }> {
  if (input === undefined) return;
  const [, ...sizes] = input.shape;
  const perRow = sizes.reduce((product, size) => product * size, 1);
  const total = images.length / perRow;
  if (!Number.isInteger(total) || total === 0) {
    throw new SupernetError('invalid-input', `${images.length} elements are no whole number of rows of [${sizes}].`);
  }
  for (let row = 0; row < total; row += batch) {
    const rows = Math.min(batch, total - row);
    const data = images.subarray(row * perRow, (row + rows) * perRow);
    yield { rows, tensor: { [input.name]: inputTensor(input, data, rows) } };
  }
}

/** The subnet's graph with every normalization replaced by one that uses, and puts out, the batch's own statistics. */
function probed(supernet: Supernet, config: SubnetConfig): { model: Model; probes: Probe[] } {
  const model = extract(supernet, config);
  const probes = new Map<string, Probe>();
  for (const { name, node, channels } of activeNorms(supernet, config)) {
    const output = node.outputs[0] ?? '';
    const [, , ...spatial] = sizesForOneRow(supernet, config, node.inputs[0] ?? '') ?? [];
    probes.set(output, { name, channels, spatial, mean: `${output}/mean`, variance: `${output}/variance` });
  }
  const initializers = new Map(model.graph.initializers);
  const nodes = model.graph.nodes.flatMap((node) => {
    const probe = probes.get(node.outputs[0] ?? '');
    if (probe === undefined) return [node];
    const opset = model.opsets.get('') ?? 0;
    initializers.set(`${probe.mean}/epsilon`, floatTensor([], [attribute(node, 'epsilon', 'float', 1e-5)]));
    const shape = [1, -1, ...probe.spatial.map(() => 1)];
    initializers.set(`${probe.mean}/shape`, int64Tensor([shape.length], shape));
    const axes = [0, ...probe.spatial.map((_, i) => i + 2)];
    initializers.set(`${probe.mean}/axes`, int64Tensor([axes.length], axes));
    return batchNorm(node, probe, axes, opset);
  });
  const outputs = names([...probes.values()]).map((name) => ({ name, type: 'float32' as const, dims: undefined }));
  const graph = { ...model.graph, nodes, initializers, outputs: [...model.graph.outputs, ...outputs] };
  return { model: { ...model, graph }, probes: [...probes.values()] };
}

function batchNorm(node: Node, probe: Probe, axes: number[], opset: number): Node[] {
  const { mean, variance } = probe;
  const [x = '', gamma = '', beta = ''] = node.inputs;
  const reduce = (input: string, output: string, keepdims: number): Node =>
    opset >= 18
      ? makeNode('ReduceMean', [input, `${mean}/axes`], [output], { keepdims })
      : makeNode('ReduceMean', [input], [output], { axes, keepdims });
  const shaped = (name: string, as: string): Node => makeNode('Reshape', [name, `${mean}/shape`], [as]);
  return [
    reduce(x, mean, 0),
    shaped(mean, `${mean}/shaped`),
    makeNode('Sub', [x, `${mean}/shaped`], [`${mean}/centred`]),
    makeNode('Mul', [`${mean}/centred`, `${mean}/centred`], [`${mean}/squared`]),
    reduce(`${mean}/squared`, variance, 0),
    makeNode('Add', [variance, `${mean}/epsilon`], [`${variance}/safe`]),
    makeNode('Sqrt', [`${variance}/safe`], [`${variance}/root`]),
    makeNode('Div', [gamma, `${variance}/root`], [`${variance}/scale`]),
    shaped(`${variance}/scale`, `${variance}/scale/shaped`),
    shaped(beta, `${variance}/shift/shaped`),
    makeNode('Mul', [`${mean}/centred`, `${variance}/scale/shaped`], [`${variance}/scaled`]),
    makeNode('Add', [`${variance}/scaled`, `${variance}/shift/shaped`], node.outputs),
  ];
}
