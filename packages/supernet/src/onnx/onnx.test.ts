import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SupernetError } from '../errors.js';
import { Network } from '../testing/network.js';
import { floats, floatTensor, int64Tensor, integers, type Model, makeNode } from './model.js';
import { readModel } from './read.js';
import { ModelMessage } from './schema.js';
import { writeModel } from './write.js';

function sample(): Model {
  const net = new Network([1, 4, 4]);
  return net.build(net.gemm('logits', net.flatten(net.layer('a', net.begin(), 3), 16), 2));
}

function refusal(action: () => unknown): SupernetError {
  try {
    action();
  } catch (error) {
    if (error instanceof SupernetError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('reading and writing ONNX', () => {
  it('reads back what it wrote', () => {
    const model = sample();
    const attributes = {
      floats: { kind: 'floats' as const, value: [0.5, -2] },
      strings: { kind: 'strings' as const, value: ['a', 'ü'] },
      text: 'NOTSET',
      tensor: { kind: 'tensor' as const, value: int64Tensor([2], [-1, 2 ** 40]) },
      branch: { kind: 'graph' as const, value: { ...model.graph, nodes: [] } },
    };
    model.graph.nodes.push(makeNode('Anything', ['logits', ''], ['z'], attributes, 'some.domain'));
    expect(readModel(writeModel(model))).toEqual(model);
  });

  it('writes equal models as equal bytes', () => {
    expect(writeModel(sample())).toEqual(writeModel(sample()));
  });

  it('reads the same from a Buffer that begins anywhere', () => {
    const bytes = writeModel(sample());
    const shifted = Buffer.concat([Buffer.alloc(3), bytes]).subarray(3);
    const read = readModel(shifted);
    const [name = '', tensor] = [...read.graph.initializers].find(([key]) => key === 'a.conv.weight') ?? [];
    expect(floats(tensor ?? floatTensor([0], []))).toEqual(
      floats(sample().graph.initializers.get(name) ?? floatTensor([0], [])),
    );
  });

  it('makes constants of Constant nodes and of typed value fields', () => {
    // In the packed form, in two chunks: the second is a negative number, in ten bytes.
    const minusFour = Uint8Array.of(0xfc, ...Array.from({ length: 8 }, () => 0xff), 1);
    const raw = {
      irVersion: 8,
      opsetImport: [{ domain: 'ai.onnx', version: 14 }],
      graph: {
        initializer: [{ name: 'typed', dims: [2], dataType: 7, int64Data: [Uint8Array.of(3), minusFour] }],
        node: [
          {
            opType: 'Constant',
            output: ['made'],
            attribute: [
              {
                name: 'value',
                type: 4,
                t: { dims: [1], dataType: 1, floatData: [new Uint8Array(Float32Array.of(1.5).buffer)] },
              },
            ],
          },
        ],
      },
    };
    const { graph } = readModel(ModelMessage.encode(raw).finish());
    expect(graph.nodes).toEqual([]);
    expect(floats(graph.initializers.get('made') ?? floatTensor([0], []))).toEqual(Float32Array.of(1.5));
    expect(integers(graph.initializers.get('typed') ?? int64Tensor([0], []))).toEqual([3, -4]);
  });

  it('refuses every truncated file with a code, never with another error', () => {
    const bytes = writeModel(sample());
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (length) => {
        const { code } = refusal(() => readModel(bytes.subarray(0, length)));
        expect(['corrupt-model', 'unsupported-model']).toContain(code);
      }),
    );
  });

  it('refuses bytes that are no model', () => {
    expect(refusal(() => readModel(new Uint8Array(0))).code).toBe('corrupt-model');
    expect(refusal(() => readModel(new TextEncoder().encode('{"not": "onnx"}'))).code).toBe('corrupt-model');
  });

  it('names the tensor whose bytes do not fit its shape', () => {
    const model = sample();
    model.graph.initializers.set('short', { type: 'float32', dims: [3], bytes: new Uint8Array(8) });
    const { code, message } = refusal(() => readModel(writeModel(model)));
    expect(code).toBe('corrupt-model');
    expect(message).toBe('Tensor short of shape [3] should have 12 bytes and has 8.');
  });

  it('refuses a model beyond the size of a protobuf before touching it', () => {
    const huge = Object.create(Uint8Array.prototype, { byteLength: { value: 3 * 2 ** 30 } }) as Uint8Array;
    expect(refusal(() => readModel(huge)).code).toBe('model-too-large');
  });
});
