/** The small supernets that the tests compile: each has a part that some form must take care of. For tests. */
import { analyse, type Supernet } from '../supernet.js';
import { Network } from './network.js';

/** Two stages with elastic width, inner width and depth; uint8 images, like the network that ships. */
export function residualNet(sizes: { width: number[]; inner: number[]; blocks?: number }): Supernet {
  const { width, inner, blocks = 2 } = sizes;
  const [widest = 0, innermost = 0] = [width.at(-1), inner.at(-1)];
  const net = new Network([1, 8, 8], 14, 'uint8');
  let x = net.layer('stem', net.begin(), 12);
  const groups = [1, 2].map((stage) => {
    x = net.layer(`down${stage}`, x, widest, { stride: 2 });
    const ends = [x.name];
    for (let block = 0; block < blocks; block++) {
      x = net.block(`stage${stage}.${block}`, x, innermost);
      ends.push(x.name);
    }
    const numbers = Array.from({ length: blocks }, (_, block) => block);
    const widthLayers = [`down${stage}.conv.weight`, ...numbers.map((i) => `stage${stage}.${i}.out.conv.weight`)];
    const innerLayers = numbers.map((i) => `stage${stage}.${i}.in.conv.weight`);
    return {
      channels: {
        [`width${stage}`]: { layers: widthLayers, sizes: width },
        [`inner${stage}`]: { layers: innerLayers, sizes: inner },
      },
      depth: {
        [`depth${stage}`]: {
          blocks: numbers.map((i) => ({ from: ends[i], to: ends[i + 1] })),
          depths: [...numbers, blocks],
        },
      },
    };
  });
  const pooled = net.op('GlobalAveragePool', x, 'pooled');
  const model = net.build(net.gemm('logits', net.flatten(pooled), 10));
  const channels = Object.assign({}, ...groups.map((group) => group.channels));
  return analyse(model, { channels, depth: Object.assign({}, ...groups.map((group) => group.depth)) });
}

/** Normalization before convolution, pools, a constant per channel, and features flattened from many pixels. */
export function preActivationNet(sizes: number[]): Supernet {
  const largest = sizes.at(-1) ?? 0;
  const net = new Network([3, 8, 8]);
  const a = net.conv('a', net.begin(), largest, { bias: true });
  const b = net.relu('b', net.norm('a.norm', net.pool('MaxPool', 'pooled', a)));
  const c = net.conv('c', b, largest, { kernel: 1 });
  const shifted = net.op('Sub', c, 'shifted', net.random('shift', [1, largest, 1, 1], 1));
  const gated = net.op('Mul', shifted, 'gated', net.op('Sigmoid', shifted, 'gate'));
  const sum = net.op('Add', gated, 'sum', b);
  const small = net.pool('AveragePool', 'small', sum);
  const hidden = net.relu('hidden.relu', net.gemm('hidden', net.reshape(small, 4), 24));
  const model = net.build(net.matMul('logits', hidden, 5));
  return analyse(model, {
    channels: {
      width: { layers: ['a.weight', 'c.weight'], sizes },
      hidden: { layers: ['hidden.weight'], sizes: [8, 24] },
    },
  });
}

/** Plain input of many channels, two convolutions that meet in an addition, and a mean over pixels at opset 18. */
export function wideInputNet(inputChannels: number): Supernet {
  const net = new Network([inputChannels, 6, 6], 18);
  const x = net.begin();
  const left = net.norm('left.norm', net.conv('left', x, 32, { kernel: 1 }));
  const right = net.conv('right', x, 32, { bias: true });
  const both = net.relu('both', net.op('Add', left, 'sum', right));
  const out = net.layer('out', both, 20);
  const model = net.build(net.gemm('logits', net.mean(out), 4));
  return analyse(model, { channels: { width: { layers: ['left.weight', 'right.weight'], sizes: [16, 24, 32] } } });
}
