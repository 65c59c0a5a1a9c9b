/** What the compiler refuses beside malformed specs: each by a code, and by the name of what is wrong. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { floatTensor, int64Tensor, type Model, makeNode } from './onnx/model.js';
import { readModel } from './onnx/read.js';
import { ModelMessage } from './onnx/schema.js';
import { writeModel } from './onnx/write.js';
import { analyse } from './supernet.js';
import { compareForms, drawConfigs } from './testing/compare.js';
import { Network } from './testing/network.js';

/** Two convolutions with biases and an elastic width between them, with or without a normalization. */
function convolutions(normalized: boolean): Model {
  const net = new Network([1, 8, 8]);
  const one = net.conv('one', net.begin(), 8, { bias: true });
  const two = net.conv('two', net.relu('a', normalized ? net.norm('norm', one) : one), 8, { bias: true });
  const pooled = net.op('GlobalAveragePool', net.relu('b', two), 'pooled');
  return net.build(net.gemm('logits', net.flatten(pooled), 3));
}
const width = { channels: { width: { layers: ['one.weight'], sizes: [4, 8] } } };

describe('a network with its normalizations folded away', () => {
  it('is refused with what to do about it', () => {
    expect(() => analyse(convolutions(false), width)).toThrowError(
      /Conv one changes with the subnet, has a bias, and no normalization follows it.*TrainingMode\.PRESERVE.*do_constant_folding=False/,
    );
    expect(() => analyse(convolutions(false), width)).toThrowError(
      expect.objectContaining({ code: 'unsupported-model' }),
    );
  });

  it('is refused with a hint where the exporter renamed its weights', () => {
    const model = convolutions(false);
    for (const node of model.graph.nodes) {
      node.inputs = node.inputs.map((name) => (name === 'one.weight' ? 'onnx::Conv_17' : name));
    }
    model.graph.initializers.set('onnx::Conv_17', model.graph.initializers.get('one.weight') ?? floatTensor([0], []));
    model.graph.initializers.delete('one.weight');
    expect(() => analyse(model, width)).toThrowError(/names layer one\.weight, but no initializer.*renamed weights/);
  });

  it('is refused where only its depth changes', () => {
    const spec = { depth: { d: { blocks: [{ from: 'a', to: 'b' }], depths: [0, 1] } } };
    expect(() => analyse(convolutions(false), spec)).toThrowError(/Conv two changes with the subnet/);
  });

  it('is taken when it has some, when nothing changes, and when the spec says that it has none', async () => {
    expect(analyse(convolutions(true), width).groups).toHaveLength(1);
    expect(analyse(convolutions(false), {}).groups).toHaveLength(0);
    const supernet = analyse(convolutions(false), { ...width, normalization: 'none' });
    const { apart, spread } = await compareForms(supernet, drawConfigs(supernet, 0));
    expect(apart).toBeLessThan(1e-5);
    expect(spread).toBeGreaterThan(1e-3);
  });
});

describe('joins that can disagree', () => {
  /** Two layers of the same size in groups of their own. */
  function two(join: (net: Network, a: string, b: string) => string): Model {
    const net = new Network([1, 8, 8]);
    const a = net.layer('a', net.begin(), 8);
    const b = net.layer('b', net.begin(), 8);
    const joined = { name: join(net, a.name, b.name), channels: 8 };
    return net.build(net.gemm('logits', net.flatten(net.op('GlobalAveragePool', joined, 'pooled')), 3));
  }
  const spec = {
    channels: {
      left: { layers: ['a.conv.weight'], sizes: [4, 8] },
      right: { layers: ['b.conv.weight'], sizes: [2, 8] },
    },
  };
  const refusals: [string, (net: Network, a: string, b: string) => string, RegExp][] = [
    [
      'an addition of two groups',
      (net, a, b) => net.add('Add', [a, b], 'sum'),
      /Add sum joins a with left \(up to 8\) channels and b with right \(up to 8\)/,
    ],
    [
      'a gate of another group',
      (net, a, b) => net.add('Mul', [a, net.add('GlobalAveragePool', [b], 'gate')], 'gated'),
      /Mul gated joins a with left/,
    ],
    [
      'a concatenation of pixels with other channels',
      (net, a, b) => net.add('Concat', [a, b], 'tall', { axis: 2 }),
      /Concat tall joins a with left \(up to 8\) along axis 1 and b with right/,
    ],
    [
      'a slice that cuts through a group',
      (net, a) =>
        net.add('Slice', [a, net.integers('zero', [0]), net.integers('five', [5]), net.integers('one', [1])], 'part'),
      /Slice part takes 0 to 5 of left \(up to 8\), which cuts through a group/,
    ],
    [
      'an index of channels that can be gone',
      (net, a) => net.add('Gather', [a, net.integers('seven', [7])], 'picked', { axis: 1 }),
      /Gather picked: it picks positions of an axis of left \(up to 8\), which can be fewer/,
    ],
  ];
  it.each(refusals)('%s', (_, join, message) => {
    expect(() => analyse(two(join), spec)).toThrowError(message);
  });

  it('a depthwise layer that the spec puts in another group than its input', () => {
    const net = new Network([1, 8, 8]);
    const deep = net.norm('deep.norm', net.depthwise('deep', net.layer('a', net.begin(), 8)));
    const model = net.build(net.gemm('logits', net.flatten(net.op('GlobalAveragePool', deep, 'pooled')), 3));
    const channels = { deep: { layers: ['deep.weight'], sizes: [4, 8] } };
    expect(() => analyse(model, { channels })).toThrowError(
      /Conv deep is a grouped convolution of 8 channels.*cannot be deep/,
    );
    const same = { both: { layers: ['a.conv.weight', 'deep.weight'], sizes: [4, 8] } };
    expect(analyse(model, { channels: same }).groups).toHaveLength(1);
  });
});

describe('graphs that are not sound', () => {
  const sound = () => convolutions(true);
  const cases: [string, (model: Model) => void, string, RegExp][] = [
    [
      'a cycle',
      ({ graph }) => {
        const relu = graph.nodes.find(({ name }) => name === 'a');
        if (relu !== undefined) relu.inputs = ['b'];
      },
      'unsupported-model',
      /Tensor b is used as data and is computed by no node before it/,
    ],
    [
      'a tensor computed twice',
      ({ graph }) => graph.nodes.push(makeNode('Relu', ['image'], ['a'])),
      'corrupt-model',
      /Tensor a is computed twice/,
    ],
    ['no output', ({ graph }) => graph.outputs.splice(0), 'corrupt-model', /no output/],
    [
      'an output that nothing computes',
      ({ graph }) => graph.outputs.push({ name: 'nowhere', type: 'float32', dims: undefined }),
      'corrupt-model',
      /output nowhere is computed by no node/,
    ],
    [
      'types that do not fit',
      ({ graph }) => graph.nodes.push(makeNode('Cast', ['a'], ['c'], { to: 7 }), makeNode('Add', ['a', 'c'], ['d'])),
      'unsupported-model',
      /Add d: it joins float32 with int64/,
    ],
    [
      'an operator of another domain',
      ({ graph }) => graph.nodes.push(makeNode('Gelu', ['a'], ['g'], {}, 'com.microsoft')),
      'unknown-op',
      /Node g is com\.microsoft\.Gelu, which is not supported/,
    ],
    [
      'an operator that is newer than the opset',
      ({ graph }) => graph.nodes.push(makeNode('Gelu', ['a'], ['g'])),
      'unknown-op',
      /Node g is Gelu, which came with opset 20, and the model is of 14/,
    ],
    [
      'a fixed batch',
      ({ graph }) => graph.inputs.splice(0, 1, { name: 'image', type: 'float32', dims: [2, 1, 8, 8] }),
      'unsupported-model',
      /Input image has a fixed batch of 2; export the network with its first size open/,
    ],
    [
      'a window larger than its image',
      ({ graph }) => graph.nodes.push(makeNode('MaxPool', ['a'], ['p'], { kernel_shape: [9, 9] })),
      'unsupported-model',
      /MaxPool p: its window \[9,9\] does not fit \[-1,8,8,8\]/,
    ],
    [
      'the size of the batch as data',
      ({ graph }) => {
        graph.nodes.push(makeNode('Shape', ['a'], ['s']), makeNode('Relu', ['s'], ['r']));
      },
      'unsupported-model',
      /Tensor s is used as data and is a size of the batch or of a subnet/,
    ],
    [
      'a batch written into a reshape',
      ({ graph }) => {
        graph.initializers.set('sizes', int64Tensor([2], [2, 512]));
        graph.nodes.push(makeNode('Reshape', ['a', 'sizes'], ['r']));
      },
      'unsupported-model',
      /Reshape r takes \[rows,8,8,8\] to \[2,512\]/,
    ],
  ];
  it.each(cases)('%s', (_, change, code, message) => {
    const model = sound();
    change(model);
    expect(() => analyse(model, {})).toThrowError(message);
    expect(() => analyse(model, {})).toThrowError(expect.objectContaining({ code }));
  });

  it('constants copied without end', () => {
    const model = sound();
    const bounds: [string, number][] = [
      ['zero', 0],
      ['last', -1],
    ];
    for (const [name, value] of bounds) model.graph.initializers.set(name, int64Tensor([1], [value]));
    model.graph.initializers.set('t0', floatTensor([2 ** 21], new Float32Array(2 ** 21)));
    const cut = Array.from({ length: 20 }, (_, i) => makeNode('Slice', [`t${i}`, 'zero', 'last'], [`t${i + 1}`]));
    model.graph.nodes.push(...cut);
    expect(() => analyse(model, {})).toThrowError(/constants copied up to t\d+ take more than a network needs/);
  });

  it('the same initializer twice', () => {
    const raw = ModelMessage.toObject(ModelMessage.decode(writeModel(sound())));
    raw.graph.initializer.push(raw.graph.initializer[0]);
    expect(() => readModel(ModelMessage.encode(raw).finish())).toThrowError(/The model holds tensor one\.weight twice/);
  });

  it('weights in another file', () => {
    const raw = ModelMessage.toObject(ModelMessage.decode(writeModel(sound())));
    raw.graph.initializer[0].dataLocation = 1;
    const read = () => readModel(ModelMessage.encode(raw).finish());
    expect(read).toThrowError(/Tensor one\.weight lies in an external file; save the model as one file/);
    expect(read).toThrowError(expect.objectContaining({ code: 'unsupported-model' }));
  });

  it('a file cut short', () => {
    const file = readFileSync(new URL('testing/exports/mobile-14.onnx', import.meta.url));
    const cut = () => readModel(file.subarray(0, file.length - 100));
    expect(cut).toThrowError(expect.objectContaining({ code: 'corrupt-model' }));
  });

  it.each(['slackline.width', 'slackline/w0'])('a tensor called %s', (name) => {
    const net = new Network([1, 8, 8]);
    const shifted = net.op('Add', net.begin(), 'shifted', net.random(name, [1], 1));
    expect(() => analyse(net.build(shifted), {})).toThrowError(`${name} is a name that the compiler keeps to itself`);
  });

  it('a product that mixes the rows of the batch', () => {
    const net = new Network([1, 2, 2]);
    const x = net.flatten(net.begin(), 4);
    const turned = net.add('Transpose', [x.name], 'turned', { perm: [1, 0] });
    const square = net.add('MatMul', [turned, x.name], 'square');
    const model = net.build({ name: net.add('MatMul', [x.name, square], 'mixed'), channels: 4 });
    expect(() => analyse(model, {})).toThrowError(/MatMul square: it would mix the rows of the batch/);
  });

  it('a slice of a constant that is told steps but no axes', () => {
    const net = new Network([2, 1, 3]);
    const lists = [net.integers('starts', [0, 0]), net.integers('ends', [1, 3]), '', net.integers('steps', [1, 2])];
    const part = net.add('Slice', [net.random('table', [2, 3, 4], 1), ...lists], 'part');
    const model = net.build(net.op('Add', net.begin(), 'sum', part));
    expect(() => analyse(model, {})).toThrowError(/Tensor table is used as data and is a constant/);
  });

  it('a reshape whose elastic size falls on an axis that would stay', () => {
    const net = new Network([1, 8, 8]);
    const pooled = net.flatten(net.op('GlobalAveragePool', net.layer('one', net.begin(), 8), 'pooled'));
    const one = net.integers('at', [1]);
    const width8 = net.add('Gather', [net.add('Shape', [pooled.name], 'sizes'), one], 'width8', { axis: 0 });
    const part = net.add('Div', [width8, net.integers('four', [4])], 'part');
    const split = (list: string[]) => net.add('Concat', [net.integers('any', [-1]), ...list], 'shape', { axis: 0 });
    const viewed = net.add('Reshape', [pooled.name, split(['four', part])], 'viewed');
    const model = net.build({ name: net.add('ReduceMean', [viewed], 'mean', { axes: [1] }), channels: 2 });
    const elastic = { channels: { width: { layers: ['one.conv.weight'], sizes: [4, 8] } } };
    expect(() => analyse(model, elastic)).toThrowError(
      /Reshape viewed takes .* axis 2 is worked out of a size that changes .* cannot be told which axis shrinks/,
    );
    expect(analyse(model, {}).groups).toHaveLength(0);
  });

  it('an elastic size that becomes a number of the network', () => {
    const model = sound();
    model.graph.initializers.set('scale', floatTensor([], [1]));
    model.graph.initializers.set('first', int64Tensor([], [1]));
    model.graph.nodes.push(
      makeNode('Shape', ['a'], ['sizes']),
      makeNode('Gather', ['sizes', 'first'], ['channels'], { axis: 0 }),
      makeNode('Cast', ['channels'], ['number'], { to: 1 }),
      makeNode('Div', ['a', 'number'], ['divided']),
    );
    expect(analyse(model, {}).groups).toHaveLength(0);
    expect(() => analyse(model, width)).toThrowError(
      /Tensor number is used as data and is a size of the batch or of a subnet/,
    );
  });
});
