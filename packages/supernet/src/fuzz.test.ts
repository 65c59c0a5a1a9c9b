/** Whatever is handed in as a model or a spec: the compiler takes it or refuses it with a SupernetError, soon. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largestConfig, smallestConfig } from './config.js';
import { SupernetError } from './errors.js';
import { extract } from './extract.js';
import {
  bytesPerElement,
  type DataType,
  dataType,
  elements,
  floatTensor,
  int64Tensor,
  type Model,
  makeNode,
  type Node,
  type Tensor,
} from './onnx/model.js';
import { readModel } from './onnx/read.js';
import { writeModel } from './onnx/write.js';
import { portable } from './portable.js';
import { analyse, readSupernet } from './supernet.js';
import { Network } from './testing/network.js';
import { transformer } from './testing/transformer.js';

const SEED = { seed: 42 };

/** The code of a refusal; undefined when nothing was refused. Any other error is a failure of the test. */
function outcome(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof SupernetError && error.message !== '') return error.code;
    throw error;
  }
}

function golden(name: string): { bytes: Uint8Array; spec: unknown } {
  const at = (ending: string) => new URL(`testing/exports/${name}.${ending}`, import.meta.url);
  const { spec } = JSON.parse(readFileSync(at('json'), 'utf8')) as { spec: unknown };
  return { bytes: readFileSync(at('onnx')), spec };
}

/** Bytes overwritten, removed, repeated or put in. */
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  bytes: fc.uint8Array({ maxLength: 6 }),
  removed: fc.oneof({ weight: 4, arbitrary: fc.nat(6) }, fc.nat(4000)),
});

function mutate(bytes: Uint8Array, mutations: { at: number; bytes: Uint8Array; removed: number }[]): Uint8Array {
  return mutations.reduce<Uint8Array>((all, { at, bytes: put, removed }) => {
    const begin = Math.floor(at * all.length);
    return Buffer.concat([all.subarray(0, begin), put, all.subarray(Math.min(all.length, begin + removed))]);
  }, bytes);
}

describe('mutated files', () => {
  it.each([
    ['grouped-14', 1500],
    ['tokens-17', 1000],
    ['convnext-16', 500],
    ['vit-fused-17', 250],
    ['vit-attention-13', 150],
  ])('%s', (name, numRuns) => {
    const { bytes, spec } = golden(name);
    const codes = new Set<string | undefined>();
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        codes.add(outcome(() => readSupernet(mutate(bytes, mutations), spec)));
      }),
      { ...SEED, numRuns },
    );
    expect(codes).toContain('corrupt-model');
  });
});

/** A change to a model in memory, which keeps the protobuf whole and breaks what it says. */
const change = fc.record({
  what: fc.constantFrom('input', 'output', 'op', 'attribute', 'dims', 'values', 'drop', 'twice', 'type'),
  at: fc.nat(),
  other: fc.nat(),
  numbers: fc.array(fc.oneof(fc.integer({ min: -4, max: 40 }), fc.integer({ min: -(2 ** 40), max: 2 ** 40 })), {
    maxLength: 5,
  }),
});

function changed(model: Model, { what, at, other, numbers }: ReturnType<typeof change.generate>['value']): Model {
  const { graph } = model;
  const nodes = graph.nodes.map(
    (node): Node => ({ ...node, inputs: [...node.inputs], attributes: { ...node.attributes } }),
  );
  const initializers = new Map(graph.initializers);
  const node = nodes[at % Math.max(1, nodes.length)];
  const names = [...nodes.flatMap(({ outputs }) => outputs), ...initializers.keys()];
  const tensorName = [...initializers.keys()][at % Math.max(1, initializers.size)] ?? '';
  const tensor = initializers.get(tensorName);
  const [first = 0] = numbers;
  if (node === undefined || tensor === undefined) return model;
  const some = names[other % names.length] ?? '';
  if (what === 'input') node.inputs[other % Math.max(1, node.inputs.length)] = some;
  if (what === 'output') node.outputs = [some];
  if (what === 'op') node.op = nodes[other % nodes.length]?.op ?? '';
  if (what === 'drop') nodes.splice(at % nodes.length, 1);
  if (what === 'twice') nodes.splice(other % nodes.length, 0, node);
  if (what === 'attribute') {
    const keys = [
      'axis',
      'group',
      'perm',
      'axes',
      'pads',
      'strides',
      'kernel_shape',
      'transB',
      'to',
      'keepdims',
      'allowzero',
    ];
    const key = [...Object.keys(node.attributes), ...keys][other % (keys.length + Object.keys(node.attributes).length)];
    if (key === undefined) return model;
    node.attributes[key] = other % 2 === 0 ? { kind: 'ints', value: numbers } : { kind: 'int', value: first };
  }
  if (what === 'dims') {
    const dims = numbers.map((n) => Math.abs(n) % 50);
    if (elements(dims) < 1e6) initializers.set(tensorName, zeros(tensor.type, dims));
  }
  if (what === 'values') initializers.set(tensorName, int64Tensor([numbers.length], numbers));
  if (what === 'type') initializers.set(tensorName, zeros(dataType(1 + (other % 13)) ?? 'int8', tensor.dims));
  return { ...model, graph: { ...graph, nodes, initializers } };
}

function zeros(type: DataType, dims: number[]): Tensor {
  return { type, dims, bytes: new Uint8Array(elements(dims) * bytesPerElement(type)) };
}

describe('changed models', () => {
  const built = transformer({ layers: 1, heads: [1, 2], headSize: 4, hidden: [8, 16], depths: [0, 1], opset: 13 });
  const cases = ['grouped-14', 'tokens-17', 'dense-13', 'mobile-14', 'vit-chunk-15'].map((name) => {
    const { bytes, spec } = golden(name);
    return { name, model: readModel(bytes), spec };
  });

  it.each([{ name: 'a transformer', ...built }, ...cases])('$name', ({ model, spec }) => {
    let taken = 0;
    const codes = new Set<string | undefined>();
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const other = changes.reduce(changed, model);
        const code = outcome(() => {
          const supernet = analyse(other, spec);
          taken++;
          for (const config of [largestConfig(supernet), smallestConfig(supernet)])
            writeModel(extract(supernet, config));
          writeModel(portable(supernet, [{ id: 'x', config: smallestConfig(supernet), statistics: {} }]));
        });
        codes.add(code);
      }),
      { ...SEED, numRuns: 150 },
    );
    expect(taken).toBeGreaterThan(0);
    expect(codes.size).toBeGreaterThan(2);
  });
});

describe('mutated specs', () => {
  const { model, spec } = transformer({ layers: 2, heads: [1, 2], headSize: 4, hidden: [8, 16], depths: [0, 1, 2] });
  const names = [...model.graph.initializers.keys(), ...model.graph.nodes.flatMap(({ outputs }) => outputs)];
  const leaf = fc.oneof(fc.constantFrom(...names), fc.integer(), fc.double(), fc.string(), fc.constant(null));

  it('of any kind', () => {
    fc.assert(
      fc.property(fc.anything(), (any) => {
        outcome(() => analyse(model, any));
      }),
      { ...SEED, numRuns: 1000 },
    );
  });

  it('of the right form with anything in it', () => {
    const channel = fc.record({
      layers: fc.array(
        fc.oneof(fc.constantFrom(...names), fc.record({ weight: fc.constantFrom(...names), parts: fc.nat(4) })),
        {
          maxLength: 4,
        },
      ),
      sizes: fc.oneof(
        fc.constant([4, 8]),
        fc.constant([8, 16]),
        fc.array(fc.integer({ min: -1, max: 20 }), { maxLength: 3 }),
      ),
    });
    const block = fc.record({ from: fc.constantFrom(...names), to: fc.constantFrom(...names) });
    const depth = fc.record({
      blocks: fc.array(block, { maxLength: 3 }),
      depths: fc.array(fc.nat(3), { maxLength: 4 }),
    });
    const group = fc.constantFrom('a', 'b', 'c', 'constructor', '__proto__', 'X');
    const any = fc.record({ channels: fc.dictionary(group, channel), depth: fc.dictionary(group, depth) });
    fc.assert(
      fc.property(any, (candidate) => {
        outcome(() => analyse(model, candidate));
      }),
      { ...SEED, numRuns: 1000 },
    );
  });

  it('with one value exchanged', () => {
    const text = JSON.stringify(spec);
    const places = [...text.matchAll(/"[^"]*"|\d+/g)].map((match) => [match.index, match[0].length] as const);
    fc.assert(
      fc.property(fc.nat(places.length - 1), leaf, (which, value) => {
        const [begin, length] = places[which] ?? [0, 0];
        const other = text.slice(0, begin) + (JSON.stringify(value) ?? 'null') + text.slice(begin + length);
        const parsed = parse(other);
        if (parsed !== undefined) outcome(() => analyse(model, parsed));
      }),
      { ...SEED, numRuns: 700 },
    );
  });
});

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A protobuf field that holds these bytes. */
function field(number: number, inner: Uint8Array): Uint8Array {
  const length: number[] = [];
  for (let rest = inner.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Uint8Array.of((number << 3) | 2, ...length), inner]);
}

describe('files that ask for too much', () => {
  const HUGE = 2 ** 31;

  /** Nodes before a small network, which read its input and nothing reads. */
  function beside(nodes: Node[], constants: [string, Tensor][] = []): Model {
    const net = new Network([1, 4, 4]);
    const model = net.build(net.gemm('logits', net.flatten(net.begin(), 16), 2));
    model.graph.nodes.unshift(...nodes);
    for (const [name, tensor] of constants) model.graph.initializers.set(name, tensor);
    return model;
  }
  const refused = (model: Model) => outcome(() => analyse(readModel(writeModel(model)), {}));

  it('tensors of absurd shapes', () => {
    const shape: [string, Tensor] = ['shape', int64Tensor([3], [HUGE, HUGE, HUGE])];
    const one: [string, Tensor] = ['one', floatTensor([1], [1])];
    expect(refused(beside([makeNode('Expand', ['one', 'shape'], ['e'])], [shape, one]))).toBeDefined();
    expect(refused(beside([makeNode('ConstantOfShape', ['shape'], ['e'])], [shape]))).toBe('unknown-op');
    expect(refused(beside([makeNode('Reshape', ['image', 'shape'], ['e'])], [shape]))).toBe('unsupported-model');
    const many: [string, Tensor] = [
      'many',
      int64Tensor(
        [60_000],
        Array.from({ length: 60_000 }, () => 1),
      ),
    ];
    expect(refused(beside([makeNode('Reshape', ['image', 'many'], ['e'])], [many]))).toBe('unsupported-model');
    expect(refused(beside([makeNode('ConstantOfShape', ['many'], ['e'])], [many]))).toBe('unsupported-model');
    const none: [string, Tensor] = ['none', { type: 'float32', dims: [HUGE, 0, HUGE], bytes: new Uint8Array(0) }];
    expect(refused(beside([makeNode('Transpose', ['none'], ['e'])], [none]))).toBeDefined();
    expect(
      refused(beside([makeNode('Slice', ['none', 'zero', 'zero'], ['e'])], [none, ['zero', int64Tensor([1], [0])]])),
    ).toBeDefined();
  });

  it.each([
    ['Gather', [65_536, 4096, 1, 0], ['zero'], { axis: 2 }],
    ['Slice', [65_536, 65_536, 0], ['zero', 'zero', 'zero'], {}],
    ['Add', [65_536, 65_536, 0], ['none'], {}],
    ['ConstantOfShape', [3], [], {}],
  ])('%s of an empty tensor that is large along other axes', (op, dims, others, attributes) => {
    const none = { type: 'float32' as const, dims, bytes: new Uint8Array(0) };
    const shape = int64Tensor([3], [65_536, 65_536, 0]);
    const constants: [string, Tensor][] = [
      ['none', op === 'ConstantOfShape' ? shape : none],
      ['zero', int64Tensor([1], [0])],
    ];
    expect(refused(beside([makeNode(op, ['none', ...others], ['e'], attributes)], constants))).toBe(
      op === 'ConstantOfShape' ? 'unknown-op' : 'unsupported-model',
    );
  });

  it('numbers that grow with every node', () => {
    const doubled = Array.from({ length: 60 }, (_, i) =>
      makeNode('Concat', [`c${i}`, `c${i}`], [`c${i + 1}`], { axis: 0 }),
    );
    expect(refused(beside(doubled, [['c0', int64Tensor([2], [1, 1])]]))).toBe('unsupported-model');
    const squared = Array.from({ length: 60 }, (_, i) => makeNode('Mul', [`c${i}`, `c${i}`], [`c${i + 1}`]));
    expect(refused(beside(squared, [['c0', int64Tensor([2], [3, 2])]]))).toBeUndefined();
    const joined = Array.from({ length: 60 }, (_, i) =>
      makeNode('Concat', [i === 0 ? 'image' : `j${i}`, i === 0 ? 'image' : `j${i}`], [`j${i + 1}`], { axis: 1 }),
    );
    expect(refused(beside(joined))).toBe('unsupported-model');
    const outer = [
      makeNode('Reshape', ['column', 'tall'], ['a']),
      makeNode('Add', ['a', 'column'], ['b']),
      makeNode('Gather', ['column', 'column64'], ['g']),
    ];
    const column = Array.from({ length: 60_000 }, (_, i) => i);
    const constants: [string, Tensor][] = [
      ['column', floatTensor([60_000], column)],
      ['column64', int64Tensor([60_000], column)],
      ['tall', int64Tensor([2], [60_000, 1])],
    ];
    expect(refused(beside(outer, constants))).toBeDefined();
  });

  it('graphs within graphs', () => {
    let graph = beside([]).graph;
    for (let depth = 0; depth < 20; depth++) {
      const node = makeNode('If', ['x'], ['y'], { then_branch: { kind: 'graph', value: graph } });
      graph = { ...graph, nodes: [node] };
    }
    expect(refused({ ...beside([]), graph })).toBe('unsupported-model');
  });

  it('protobuf nested as deep as a file can be', () => {
    // Graph.node > Node.attribute > Attribute.g > Graph, again and again, written from the inside out.
    let bytes: Uint8Array = new Uint8Array(0);
    for (let depth = 0; depth < 3000; depth++) bytes = field(1, field(5, field(6, bytes)));
    expect(outcome(() => readModel(field(7, bytes)))).toBe('unsupported-model');
  });

  it.each([
    ['nodes', (count: number) => Buffer.alloc(2 * count, Uint8Array.of(0x0a, 0))],
    ['inputs of a node', (count: number) => field(1, Buffer.alloc(2 * count, Uint8Array.of(0x0a, 0)))],
    ['attributes', (count: number) => field(1, Buffer.alloc(2 * count, Uint8Array.of(0x2a, 0)))],
    ['sizes of a tensor', (count: number) => field(5, Buffer.alloc(2 * count, Uint8Array.of(8, 1)))],
    ['sizes in one', (count: number) => field(5, field(1, new Uint8Array(count)))],
  ])('millions of %s', (_, graph) => {
    expect(outcome(() => readModel(field(7, graph(3e6))))).toBe('unsupported-model');
  });

  it('values of another number than the shape says', () => {
    const tensor = Buffer.concat([field(8, Buffer.from('t')), Uint8Array.of(0x10, 7), field(7, new Uint8Array(3e6))]);
    const model = Buffer.concat([
      field(7, Buffer.concat([field(1, new Uint8Array(0)), field(5, tensor)])),
      field(8, Uint8Array.of(0x10, 17)),
    ]);
    expect(outcome(() => readModel(model))).toBe('corrupt-model');
  });

  it('runs of blocks without end', () => {
    const { model } = transformer({ layers: 1, heads: [1], headSize: 4, hidden: [8], depths: [0, 1] });
    const same = { from: 'embedded', to: 'embedded' };
    const run = (count: number) => ({
      depth: { d: { blocks: Array.from({ length: count }, () => same), depths: [0, count] } },
    });
    expect(outcome(() => analyse(model, run(1)))).toBe('invalid-spec');
    expect(outcome(() => analyse(model, run(1e5)))).toBe('invalid-spec');
  });
});
