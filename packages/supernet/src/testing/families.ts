/** Supernets of the families beside residual networks: depthwise, grouped, concatenated. For tests. */
import { activeNorms, type HostedSubnet, type SubnetStatistics } from '../norms.js';
import { SupernetSession } from '../runtime/session.js';
import type { SubnetConfig } from '../spec.js';
import { analyse, type Supernet } from '../supernet.js';
import { largestDifference, rowsOf, runExtracted } from './compare.js';
import { Network, randomFloats } from './network.js';

type Shaped = ReturnType<Network['begin']>;

/** Inverted residuals with squeeze-and-excitation and hard-swish; elastic stem, width, expansion and depth. */
export function mobileNet(): Supernet {
  const net = new Network([3, 8, 8], 14);
  const stem = net.op('HardSwish', net.norm('stem.norm', net.conv('stem', net.begin(), 8, { stride: 2 })), 'stem.act');
  const b0 = invertedResidual(net, 'b0', stem, 16, 12);
  const b1 = invertedResidual(net, 'b1', b0, 24, 12);
  const b2 = invertedResidual(net, 'b2', b1, 24, 12);
  const head = net.op('HardSwish', net.norm('head.norm', net.conv('head', b2, 20, { kernel: 1 })), 'head.act');
  const pooled = net.flatten(net.op('GlobalAveragePool', head, 'pooled'));
  const model = net.build(net.gemm('logits', pooled, 5));
  const expand = (block: string, sizes: number[]) => ({
    layers: [`${block}.expand.weight`, `${block}.se.2.weight`],
    sizes,
  });
  return analyse(model, {
    channels: {
      stem: { layers: ['stem.weight'], sizes: [4, 8] },
      width: { layers: ['b0.project.weight', 'b1.project.weight', 'b2.project.weight'], sizes: [5, 8, 12] },
      expand0: expand('b0', [3, 8, 16]),
      expand1: expand('b1', [4, 8, 12, 16, 20, 24]),
      expand2: expand('b2', [8, 24]),
      squeeze: { layers: ['b1.se.1.weight'], sizes: [2, 4] },
    },
    depth: {
      depth: {
        blocks: [
          { from: b0.name, to: b1.name },
          { from: b1.name, to: b2.name },
        ],
        depths: [0, 1, 2],
      },
    },
  });
}

function invertedResidual(net: Network, name: string, x: Shaped, inner: number, out: number): Shaped {
  const wide = net.op(
    'HardSwish',
    net.norm(`${name}.expand.norm`, net.conv(`${name}.expand`, x, inner, { kernel: 1 })),
    `${name}.expand.act`,
  );
  const deep = net.norm(`${name}.depth.norm`, net.depthwise(`${name}.depth`, wide));
  const squeezed = net.conv(`${name}.se.1`, net.op('GlobalAveragePool', deep, `${name}.se.pool`), 4, {
    kernel: 1,
    bias: true,
  });
  const excited = net.conv(`${name}.se.2`, net.relu(`${name}.se.relu`, squeezed), inner, { kernel: 1, bias: true });
  const gated = net.op('Mul', deep, `${name}.gated`, net.op('HardSigmoid', excited, `${name}.se.gate`));
  const projected = net.conv(`${name}.project`, net.op('HardSwish', gated, `${name}.act`), out, { kernel: 1 });
  const normal = net.norm(`${name}.project.norm`, projected);
  return x.channels === out ? net.op('Add', normal, `${name}.sum`, x) : normal;
}

/** Dense connections, a normalization over channels of three groups, and features flattened from several pixels. */
export function concatNet(): Supernet {
  const net = new Network([2, 8, 8], 13);
  const stem = net.layer('stem', net.begin(), 6, { stride: 2 });
  const one = net.conv('one', stem, 8);
  const two = net.concat('two.in', stem, one);
  const three = net.concat('three.in', two, net.conv('two', net.relu('two.relu', net.norm('two.norm', two)), 8));
  const fixedPart = net.conv('fixed', stem, 3, { kernel: 1 });
  const all = net.concat('all', fixedPart, three, fixedPart);
  const small = net.pool('AveragePool', 'small', net.relu('all.relu', net.norm('all.norm', all)));
  const hidden = net.relu('hidden.relu', net.gemm('hidden', net.flatten(small, 4), 16));
  const model = net.build(net.gemm('logits', hidden, 5));
  return analyse(model, {
    channels: {
      stem: { layers: ['stem.conv.weight'], sizes: [2, 6] },
      one: { layers: ['one.weight'], sizes: [1, 4, 8] },
      two: { layers: ['two.weight'], sizes: [3, 8] },
      hidden: { layers: ['hidden.weight'], sizes: [8, 16] },
    },
  });
}

/** A convolution in groups of 4 channels of an elastic width. */
export function groupedNet(sizes: number[]): Supernet {
  const net = new Network([1, 8, 8], 14);
  const wide = net.layer('wide', net.begin(), 16, { stride: 2 });
  const grouped = net.grouped('grouped', wide, 32, 4);
  const out = net.layer('out', net.relu('grouped.relu', net.norm('grouped.norm', grouped)), 6);
  const model = net.build(net.gemm('logits', net.flatten(net.op('GlobalAveragePool', out, 'pooled')), 5));
  return analyse(model, { channels: { width: { layers: ['wide.conv.weight'], sizes } } });
}

/** A run of small blocks, any number of which may run. */
export function deepNet(blocks: number): Supernet {
  const net = new Network([1, 4, 4], 14);
  let x = net.layer('stem', net.begin(), 4);
  const ends = [x.name];
  for (let i = 0; i < blocks; i++) {
    x = net.op('Add', net.layer(`b${i}`, x, 4, { kernel: 1 }), `b${i}.sum`, x);
    ends.push(x.name);
  }
  const out = net.norm('out', x);
  const model = net.build(
    net.gemm('logits', net.flatten(net.op('GlobalAveragePool', net.relu('last', out), 'pooled')), 3),
  );
  const run = Array.from({ length: blocks }, (_, i) => ({ from: ends[i], to: ends[i + 1] }));
  return analyse(model, { depth: { depth: { blocks: run, depths: [0, ...run.map((_, i) => i + 1)] } } });
}

/** Hosts all of these with drawn statistics, and compares a few answers with those of the extracted subnets. */
export async function manyHosted(
  supernet: Supernet,
  configs: readonly SubnetConfig[],
  form: 'auto' | 'portable' | 'blocked' = 'portable',
): Promise<{ apart: number }> {
  const hosted = configs.map((config, i): HostedSubnet => {
    return { id: String(i), config, statistics: drawStatistics(supernet, config, i) };
  });
  const session = await SupernetSession.open(supernet, hosted, { form });
  const input = rowsOf(supernet, 2, 4);
  let apart = 0;
  for (const index of [0, 1, configs.length >> 1, configs.length - 1]) {
    const subnet = hosted[index];
    if (subnet === undefined) continue;
    session.actuate(index);
    const [answer] = await session.run(input, 2);
    const expected = await runExtracted(supernet, subnet.config, subnet.statistics, input, 2);
    apart = Math.max(apart, largestDifference(answer ?? [], expected));
  }
  await session.release();
  return { apart };
}

function drawStatistics(supernet: Supernet, config: SubnetConfig, seed: number): SubnetStatistics {
  const entries = activeNorms(supernet, config).map(({ name, channels }, i) => {
    const mean = randomFloats(channels, 31 * seed + i).map((value) => value / 4);
    return [name, { mean, variance: randomFloats(channels, 17 * seed + i).map((value) => 1 + value / 2) }];
  });
  return Object.fromEntries(entries);
}
