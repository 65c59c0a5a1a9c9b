/** Networks with a part that the blocked layout cannot hold as it stands: they must come out right all the same. */
import { expect, it } from 'vitest';
import { analyse, type Supernet } from '../supernet.js';
import { compareForms, drawConfigs } from '../testing/compare.js';
import { Network } from '../testing/network.js';
import { blockSize } from './block-size.js';
import { mappingWorks } from './mapped-graph.js';

const mapping = (await blockSize()) !== undefined && (await mappingWorks());
type Shaped = ReturnType<Network['begin']>;

/** An elastic layer, what `middle` makes of it, and another layer. */
function around(sizes: number[], middle: (net: Network, x: Shaped) => Shaped): Supernet {
  const net = new Network([3, 8, 8], 14);
  const out = net.layer('out', middle(net, net.layer('in', net.begin(), sizes.at(-1) ?? 1)), 16);
  const model = net.build(net.gemm('logits', net.flatten(net.op('GlobalAveragePool', out, 'pooled')), 5));
  return analyse(model, { channels: { width: { layers: ['in.conv.weight'], sizes } } });
}

function gatedByMean(axes: number[]): Supernet {
  return around([16, 32], (net, x) => {
    const mean = { name: net.add('ReduceMean', [x.name], 'mean', { axes, keepdims: 1 }), channels: 1 };
    return net.op('Mul', x, 'gated', net.op('Sigmoid', mean, 'gate'));
  });
}

const WINDOW = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };

it.runIf(mapping).each<[string, () => Supernet]>([
  ['a mean over channels', () => gatedByMean([1])],
  ['a mean over one row of pixels', () => gatedByMean([-1])],
  ['a mean over height and width, told backwards', () => gatedByMean([-1, 2])],
  // In what fills up the last block that would be zero over zero.
  [
    'channels divided by their mean',
    () => around([8, 20, 24], (net, x) => net.op('Div', x, 'divided', net.op('GlobalAveragePool', x, 'mean'))),
  ],
  ['fewer channels than a block, filled up', () => around([5, 7], (net, x) => net.op('Sigmoid', x, 'act'))],
  [
    'an average that counts padding, rounded up',
    () =>
      around([16, 32], (net, x) => {
        const attributes = { ...WINDOW, ceil_mode: 1, count_include_pad: 1 };
        return { ...x, name: net.add('AveragePool', [x.name], 'average', attributes) };
      }),
  ],
  [
    'a constant called like a weight that is mapped',
    () => around([16, 32], (net, x) => net.op('Mul', x, 'scaled', net.random('out.conv/bias', [8], 1))),
  ],
])('%s', async (_, network) => {
  const supernet = network();
  const { apart, spread, form } = await compareForms(supernet, drawConfigs(supernet, 3), { form: 'blocked' });
  expect(form).toBe('blocked');
  expect(apart).toBeLessThan(1e-5);
  expect(spread).toBeGreaterThan(1e-2);
});
