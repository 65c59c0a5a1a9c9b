/** Forward graphs with their weights in a mapped file, and the trial that tells whether that works on this machine. */
import * as ort from 'onnxruntime-node';
import { type Model, makeNode, type Tensor, type Value } from '../onnx/model.js';
import { floatOutput, openSession } from '../ort.js';
import type { Supernet } from '../supernet.js';
import type { ForwardGraph } from './forward.js';
import { MappedFile } from './mapped-file.js';
import type { Plan } from './plan.js';

/** The graph of one subnet: its weights are no inputs any more, they lie in the file from `offsetBytes` on. */
export function mapWeights(
  { model, parameters }: ForwardGraph,
  plan: Plan,
  file: MappedFile,
  offsetBytes: number,
): Model {
  const inputs = model.graph.inputs.filter(({ name }) => !parameters.some((parameter) => parameter.name === name));
  const initializers = new Map(model.graph.initializers);
  for (const { parameter, dims, offsetBytes: at } of plan.sized) {
    initializers.set(parameter.name, external(dims, file, offsetBytes + at));
  }
  return { ...model, graph: { ...model.graph, inputs, initializers } };
}

/**
 * Opens a graph with mapped weights. Packing weights would put a copy of what they are now in their place, and so may
 * the optimizer: with it, the session must prove itself (tuned.ts).
 */
export function openMapped(
  model: Model,
  file: MappedFile,
  threads: number,
  optimize = false,
): Promise<ort.InferenceSession> {
  return openSession(model, threads, 'cpu', {
    graphOptimizationLevel: optimize ? 'all' : 'disabled',
    extra: { session: { model_external_initializers_file_folder_path: file.folder, disable_prepacking: '1' } },
  });
}

function external(dims: number[], { name }: MappedFile, offset: number): Tensor {
  return { type: 'float32', dims, bytes: new Uint8Array(0), external: { file: name, offset } };
}

let tried: Promise<boolean> | undefined;

/** True where a graph sees at once what is written to the file of its weights. Tried once per process. */
export function mappingWorks(): Promise<boolean> {
  tried ??= tryMapping().catch(() => false);
  return tried;
}

const SIZE = 64;

/** x * A + b with both in the file: the answer must follow what is written there. */
async function tryMapping(): Promise<boolean> {
  const floats = SIZE * SIZE + SIZE;
  const file = MappedFile.create(4 * floats);
  if (file === undefined) return false;
  try {
    const session = await openMapped(probe(file), file, 1);
    try {
      file.unlink();
      const answer = async (weight: number): Promise<boolean> => {
        file.write(new Float32Array(floats).fill(weight), 0);
        const x = new ort.Tensor('float32', new Float32Array(SIZE).fill(1), [1, SIZE]);
        const values = floatOutput(await session.run({ x }), 'y');
        return values.every((value) => value === (SIZE + 1) * weight);
      };
      return (await answer(1)) && (await answer(2)) && (await answer(-1));
    } finally {
      await session.release();
    }
  } finally {
    file.close();
  }
}

function probe(file: MappedFile): Model {
  const value = (name: string): Value => ({ name, type: 'float32', dims: [1, SIZE] });
  const nodes = [makeNode('Gemm', ['x', 'a', 'b'], ['y'])];
  const initializers = new Map([
    ['a', external([SIZE, SIZE], file, 0)],
    ['b', external([SIZE], file, 4 * SIZE * SIZE)],
  ]);
  const graph = { name: 'mapping', inputs: [value('x')], outputs: [value('y')], nodes, initializers };
  return { irVersion: 7, opsets: new Map([['', 13]]), graph };
}

/**
 * True for networks that are mostly convolutions: in the blocked layout nothing is left for the optimizer to do. Others,
 * such as transformers, want its fusions.
 */
export function isConvolutional({ model }: Supernet): boolean {
  const count = (...ops: string[]) => model.graph.nodes.filter(({ op }) => ops.includes(op)).length;
  return count('Conv') > count('MatMul', 'Gemm');
}
