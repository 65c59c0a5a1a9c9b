/**
 * A supernet small enough to be computed by hand: four inputs, `width` hidden units, two outputs. Hidden unit h of the
 * largest is relu(x[h % 4]); output 0 sums the units, output 1 is minus that. The subnet `small` has the first four units:
 * it gives x0 + x1 + x2 + x3; `large` has sixteen and gives four times that (for inputs that are not negative).
 */
import type { ModelEntry, Subjects } from '@slackline/shared';
import { type Bus, profileKeys } from '@slackline/shared';
import { encodeStatistics, type Model, packServable, type Servable, writeModel } from '@slackline/supernet';

const inputs = 4;
const outputs = 2;
const largest = 16;

function floats(dims: number[], value: (row: number, column: number) => number) {
  const [rows = 1, columns = 1] = dims;
  const values = Float32Array.from({ length: rows * columns }, (_, i) => value(Math.floor(i / columns), i % columns));
  return { type: 'float32' as const, dims, bytes: new Uint8Array(values.buffer) };
}

function node(op: string, from: string[], to: string) {
  return { op, domain: '', name: to, inputs: from, outputs: [to], attributes: {} };
}

/** @param scale multiplies the outputs, so that versions of the model can be told apart */
function network(scale: number): Model {
  return {
    irVersion: 8,
    opsets: new Map([['', 14]]),
    graph: {
      name: 'tiny',
      inputs: [{ name: 'x', type: 'float32', dims: ['n', inputs] }],
      outputs: [{ name: 'y', type: 'float32', dims: ['n', outputs] }],
      nodes: [node('MatMul', ['x', 'w1'], 'h'), node('Relu', ['h'], 'r'), node('MatMul', ['r', 'w2'], 'y')],
      initializers: new Map([
        ['w1', floats([inputs, largest], (input, unit) => (unit % inputs === input ? 1 : 0))],
        ['w2', floats([largest, outputs], (_, output) => (output === 0 ? scale : -scale))],
      ]),
    },
  };
}

export const tinySubnets = ['small', 'large'] as const;

export function tinyServable({ name = 'tiny', scale = 1 } = {}): Servable {
  const statistics = encodeStatistics({});
  return {
    v: 1,
    name,
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, inputs] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, outputs] }],
    sloMs: 50,
    onnx: writeModel(network(scale)),
    spec: { channels: { width: { layers: ['w1'], sizes: [4, largest] } }, depth: {} },
    subnets: [
      { id: 'small', config: { width: 4 }, accuracy: 0.7, statistics },
      { id: 'large', config: { width: largest }, accuracy: 0.9, statistics },
    ],
  };
}

/** Puts a servable into the object store and names it in the catalog, as the profiler does. Returns the digest. */
export async function publishServable(bus: Bus, subjects: Subjects, servable: Servable): Promise<string> {
  const memory = { storage: 'memory', replicas: 1 } as const;
  const { data, digest } = packServable(servable);
  const objects = await bus.objects(subjects.stores.models, memory);
  await objects.put(digest, data);
  await publishEntry(bus, subjects, entryOf(servable, digest));
  return digest;
}

/** @param storage of the bucket, where this is the first to need it */
export async function publishEntry(
  bus: Bus,
  subjects: Subjects,
  entry: ModelEntry,
  storage: 'memory' | 'file' = 'memory',
): Promise<void> {
  const keys = await bus.keys(subjects.stores.profiles, { storage, replicas: 1 });
  await keys.put(profileKeys.model(entry.name), Buffer.from(JSON.stringify(entry)));
}

export function entryOf(servable: Servable, digest: string): ModelEntry {
  return {
    v: 1,
    name: servable.name,
    digest,
    inputs: servable.inputs as ModelEntry['inputs'],
    outputs: servable.outputs as ModelEntry['outputs'],
    sloMs: servable.sloMs,
    subnets: servable.subnets.map(({ id, accuracy }) => ({ id, accuracy })),
  };
}
