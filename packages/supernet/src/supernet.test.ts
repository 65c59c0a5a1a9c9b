import { describe, expect, it } from 'vitest';
import type { Model } from './onnx/model.js';
import { makeNode } from './onnx/model.js';
import { calibrate } from './statistics.js';
import { analyse, type Supernet } from './supernet.js';
import { runExtracted } from './testing/compare.js';
import { Network, randomFloats } from './testing/network.js';
import { residualNet } from './testing/supernets.js';

const BLOCKS = [
  { from: 'down', to: 'b0' },
  { from: 'b0', to: 'b1' },
];
const WIDTH = ['down.conv.weight', 'b0.out.conv.weight', 'b1.out.conv.weight'];

/** stem, down, two blocks b0 and b1, pool, head. */
function network(change: (net: Network) => void = () => {}): Model {
  const net = new Network([1, 8, 8]);
  const down = net.layer('down', net.layer('stem', net.begin(), 8), 16, { stride: 2 });
  const last = net.block('b1', net.block('b0', down, 24), 24);
  change(net);
  return net.build(net.gemm('logits', net.flatten(net.op('GlobalAveragePool', last, 'pooled')), 10));
}

function refuse(spec: unknown, model = network()): Supernet {
  return analyse(model, spec);
}

describe('what the compiler finds out', () => {
  it('names inputs, outputs and groups', () => {
    const { inputs, outputs, groups } = residualNet({ width: [16, 32], inner: [8, 16] });
    expect(inputs).toEqual([{ name: 'image', datatype: 'uint8', shape: [-1, 1, 8, 8] }]);
    expect(outputs).toEqual([{ name: 'logits', datatype: 'float32', shape: [-1, 10] }]);
    expect(groups.map(({ name, kind, sizes }) => `${name} ${kind} ${sizes}`)).toEqual([
      'width1 channels 16,32',
      'inner1 channels 8,16',
      'width2 channels 16,32',
      'inner2 channels 8,16',
      'depth1 depth 0,1,2',
      'depth2 depth 0,1,2',
    ]);
  });

  it('follows a group to everything that shrinks with it', () => {
    const { followed, model } = analyse(network(), { channels: { width: { layers: WIDTH, sizes: [8, 16] } } });
    const shrinking = model.graph.nodes.flatMap((node) =>
      [...(followed.cuts.get(node) ?? [])].flatMap(([index, cuts]) =>
        cuts
          .filter(({ extent }) => extent.parts[0]?.group === 'width')
          .map(({ axis }) => `${node.inputs[index]} ${axis}`),
      ),
    );
    const norms = ['down.norm', 'b0.norm', 'b1.norm'].flatMap((norm) =>
      ['weight', 'bias', 'running_mean', 'running_var'].map((parameter) => `${norm}.${parameter} 0`),
    );
    const weights = [...WIDTH.map((weight) => `${weight} 0`), 'b0.in.conv.weight 1', 'b1.in.conv.weight 1'];
    expect(shrinking.sort()).toEqual([...norms, ...weights, 'logits.weight 1'].sort());
  });
});

describe('names of nodes', () => {
  it('are told apart, since statistics are kept by them', async () => {
    const net = new Network([2, 4, 4]);
    const last = net.relu('end', net.norm('again', net.op('Exp', net.norm('first', net.begin()), 'exp')));
    const model = net.build(net.gemm('logits', net.flatten(last, 16), 3));
    const [first, , again] = model.graph.nodes;
    if (first === undefined || again === undefined) throw new Error('The network has other nodes.');
    first.name = 'again';
    again.name = '';
    const statistics = await calibrate(analyse(model, {}), {}, randomFloats(8 * 32, 3));
    expect(Object.keys(statistics)).toEqual(['again', 'again#1']);
  });
});

describe('windows rounded up', () => {
  it.each([
    { kernel: 1, stride: 2, pad: 0 },
    { kernel: 2, stride: 3, pad: 1 },
    { kernel: 3, stride: 2, pad: 1 },
    { kernel: 2, stride: 2, pad: 1 },
  ])('are counted as ONNX Runtime counts them: $kernel every $stride', async ({ kernel, stride, pad }) => {
    const net = new Network([1, 8, 8]);
    const attributes = {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      ceil_mode: 1,
    };
    const name = net.add('MaxPool', [net.begin().name], 'pooled', attributes);
    const supernet = analyse(net.build({ name, channels: 1 }), {});
    const answer = await runExtracted(supernet, {}, undefined, randomFloats(64, 1), 1);
    expect(supernet.outputs[0]?.shape.reduce((product, size) => product * Math.abs(size), 1)).toBe(answer.length);
  });
});

describe('what the compiler refuses', () => {
  const cases: [what: string, spec: unknown, message: RegExp][] = [
    [
      'an addition whose sides can disagree',
      { channels: { width: { layers: WIDTH.slice(0, 2), sizes: [8, 16] } } },
      /Add b1\.sum joins b1\.norm with 16 channels and b0 with width \(up to 16\): the two can disagree/,
    ],
    [
      'a layer that does not exist',
      { channels: { width: { layers: ['nowhere.weight'], sizes: [8] } } },
      /Group width names layer nowhere\.weight, but no initializer has that name/,
    ],
    [
      'an initializer that is no layer',
      { channels: { width: { layers: ['down.norm.weight'], sizes: [16] } } },
      /down\.norm\.weight, but it is no weight of a layer/,
    ],
    [
      'a layer in two groups',
      {
        channels: {
          a: { layers: ['b0.in.conv.weight'], sizes: [24] },
          b: { layers: ['b0.in.conv.weight'], sizes: [24] },
        },
      },
      /b0\.in\.conv\.weight stands in a and again in b/,
    ],
    [
      'a largest size that is not the whole layer',
      { channels: { inner: { layers: ['b0.in.conv.weight'], sizes: [8, 16] } } },
      /layer b0\.in\.conv\.weight has 24 output channels, and the largest size allowed is 16/,
    ],
    [
      'an output that would change its shape',
      { channels: { classes: { layers: ['logits.weight'], sizes: [5, 10] } } },
      /output logits would change its shape with classes \(up to 10\)/,
    ],
    [
      'sizes that do not ascend',
      { channels: { a: { layers: ['x'], sizes: [16, 8] } } },
      /channels\.a\.sizes: .*ascend/,
    ],
    ['a field that it does not know', { channels: {}, widths: {} }, /widths/],
    [
      'two groups of one name',
      { channels: { a: { layers: WIDTH, sizes: [16] } }, depth: { a: { blocks: BLOCKS, depths: [2] } } },
      /Two groups are called a/,
    ],
    [
      'a depth that is not the number of blocks',
      { depth: { d: { blocks: BLOCKS, depths: [0, 1] } } },
      /largest depth is 1 and there are 2 blocks/,
    ],
    [
      'a block that changes the shape',
      { depth: { d: { blocks: [{ from: 'stem', to: 'down' }], depths: [0, 1] } } },
      /stem is \[-1,8,8,8\] \(rows,8,8,8\) and down is \[-1,16,4,4\] \(rows,16,4,4\)\./,
    ],
    [
      'blocks that do not follow each other',
      { depth: { d: { blocks: [BLOCKS[1], BLOCKS[0]], depths: [0, 2] } } },
      /block 1 ends with b1, but block 2 begins with down/,
    ],
    [
      'a block that reads past its beginning',
      { depth: { d: { blocks: [{ from: 'b1.norm', to: 'b1' }], depths: [0, 1] } } },
      /b1 is computed from image past b1\.norm/,
    ],
    [
      'a tensor that does not exist',
      { depth: { d: { blocks: [{ from: 'down', to: 'elsewhere' }], depths: [0, 1] } } },
      /no tensor is called elsewhere/,
    ],
  ];
  it.each(cases)('%s', (_, spec, message) => {
    expect(() => refuse(spec)).toThrowError(message);
    expect(() => refuse(spec)).toThrowError(expect.objectContaining({ code: 'invalid-spec' }));
  });

  it('a block whose inside is read elsewhere', () => {
    const net = new Network([1, 8, 8]);
    const stem = net.layer('stem', net.begin(), 8);
    const inner = net.layer('inner', stem, 8);
    const outer = net.layer('outer', inner, 8);
    const model = net.build(net.gemm('logits', net.flatten(net.op('Add', outer, 'skip', inner), 64), 4));
    const spec = { depth: { d: { blocks: [{ from: 'stem', to: 'outer' }], depths: [0, 1] } } };
    expect(() => refuse(spec, model)).toThrowError(/inner lies inside block 1 and skip reads it/);
  });

  it('an operator that it cannot see through, by node', () => {
    const model = network();
    model.graph.nodes.splice(3, 0, makeNode('Hardmax', ['stem'], ['odd']));
    expect(() => refuse({}, model)).toThrowError('Node odd is Hardmax, which is not supported.');
    expect(() => refuse({}, model)).toThrowError(expect.objectContaining({ code: 'unknown-op' }));
  });

  it('a grouped convolution whose weight does not fit, by node', () => {
    const model = network();
    const conv = model.graph.nodes.find((node) => node.op === 'Conv');
    if (conv !== undefined) conv.attributes.group = { kind: 'int', value: 2 };
    expect(() => refuse({}, model)).toThrowError('Conv stem.conv: its weight takes 2 channels and gets 1.');
  });

  it('a second input, an old opset, an open size', () => {
    const two = network();
    two.graph.inputs.push({ name: 'mask', type: 'float32', dims: ['n', 1] });
    expect(() => refuse({}, two)).toThrowError(/exactly one input; it has image, mask/);
    expect(() => refuse({}, { ...network(), opsets: new Map([['', 9]]) })).toThrowError(/opset 9; supported are 13/);
    const open = network();
    open.graph.inputs = [{ name: 'image', type: 'float32', dims: ['n', 1, 'h', 'w'] }];
    expect(() => refuse({}, open)).toThrowError(/Input image has shape \[n,1,h,w\]/);
  });
});
