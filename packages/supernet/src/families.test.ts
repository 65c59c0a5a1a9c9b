/** The families of networks that the compiler must take: the graph's own form and the extracted subnets must agree. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blockSize } from './blocked/block-size.js';
import { mappingWorks } from './blocked/mapped-graph.js';
import { allConfigs, largestConfig } from './config.js';
import { checkStatistics } from './norms.js';
import { calibrate } from './statistics.js';
import { analyse, readSupernet } from './supernet.js';
import { compareForms, drawConfigs, largestDifference, rowsOf, runExtracted } from './testing/compare.js';
import { concatNet, deepNet, groupedNet, manyHosted, mobileNet } from './testing/families.js';
import { Network } from './testing/network.js';
import { transformer } from './testing/transformer.js';

const TOLERANCE = 1e-5;
/** Any of these networks can be blocked here. */
const ownWay = (await blockSize()) !== undefined && (await mappingWorks());
const exportsFolder = new URL('testing/exports/', import.meta.url);

interface Golden {
  spec: unknown;
  /** Answers of torch (1.13): of a smaller network with the first weights, or with those beyond the subnet zero. */
  subnets: { config: Record<string, number>; logits: number[] }[];
}

const exported = readdirSync(exportsFolder).filter((name) => name.endsWith('.onnx'));
/** The images that the golden answers belong to. */
const images = Float32Array.from({ length: 2 * 64 }, (_, i) => Math.sin(Math.fround(i * 0.37)));

describe.each(exported)('%s, as torch exports it', (file) => {
  const golden = JSON.parse(readFileSync(new URL(file.replace('.onnx', '.json'), exportsFolder), 'utf8')) as Golden;
  const supernet = readSupernet(readFileSync(new URL(file, exportsFolder)), golden.spec);

  it.each(golden.subnets)('answers as torch does: $config', async ({ config, logits }) => {
    const answer = await runExtracted(supernet, config, undefined, images, 2);
    expect(largestDifference(answer, logits)).toBeLessThan(TOLERANCE);
  });

  it('answers in one graph what the extracted subnets answer', async () => {
    const { apart, spread } = await compareForms(supernet, drawConfigs(supernet, 6));
    expect(apart).toBeLessThan(TOLERANCE);
    expect(spread).toBeGreaterThan(1e-3);
  });

  it('answers that in the form taken by itself too', async () => {
    const { apart, form } = await compareForms(supernet, drawConfigs(supernet, 4, 9), { form: 'auto' });
    expect(apart).toBeLessThan(TOLERANCE);
    if (ownWay) expect(form).toBe('blocked');
  });
});

describe('a transformer supernet', () => {
  const sizes = { layers: 2, heads: [1, 2, 3], headSize: 4, hidden: [8, 20], depths: [0, 1, 2] };

  it('runs every subnet as the extracted one', async () => {
    const { model, spec } = transformer(sizes);
    const supernet = analyse(model, spec);
    const configs = [...allConfigs(supernet)];
    // Per layer that runs 3 numbers of heads and 2 hidden sizes.
    expect(configs).toHaveLength(1 + 6 + 36);
    const { apart, spread } = await compareForms(supernet, configs);
    expect(apart).toBeLessThan(TOLERANCE);
    expect(spread).toBeGreaterThan(1e-2);
  });

  it.each([13, 18])('runs at opset %i too', async (opset) => {
    const { model, spec } = transformer({ ...sizes, opset });
    const supernet = analyse(model, spec);
    const { apart } = await compareForms(supernet, drawConfigs(supernet, 6));
    expect(apart).toBeLessThan(TOLERANCE);
  });

  it('works out the shapes when it compiles, and needs none that follow the subnet', () => {
    const { model, spec } = transformer(sizes);
    const { followed } = analyse(model, spec);
    expect(followed.sized.size).toBe(0);
    expect(followed.nodes.filter(({ op }) => ['Shape', 'Gather', 'Concat', 'Slice'].includes(op))).toEqual([]);
  });

  it('refuses sizes that end inside a head', () => {
    const { model, spec } = transformer({ ...sizes, heads: [1.5, 3] });
    expect(() => analyse(model, spec)).toThrowError(
      /Reshape layers\.0\.q\.split takes \[rows,16,heads0 \(up to 12\)\] to .*cannot be split into runs of 4/,
    );
  });

  it('refuses queries and values of different groups', () => {
    const { model } = transformer(sizes);
    const spec = { channels: { q: { layers: ['layers.0.q.weight', 'layers.0.k.weight'], sizes: [4, 12] } } };
    expect(() => analyse(model, spec)).toThrowError(/MatMul layers\.0\.mixed joins .* the two can disagree/);
    const half = { channels: { q: { layers: ['layers.0.q.weight'], sizes: [4, 12] } } };
    expect(() => analyse(model, half)).toThrowError(/MatMul layers\.0\.scores joins .* the two can disagree/);
  });

  it('has no statistics', async () => {
    const { model, spec } = transformer(sizes);
    const supernet = analyse(model, spec);
    const config = largestConfig(supernet);
    expect(await calibrate(supernet, config, rowsOf(supernet, 4, 1))).toEqual({});
    expect(() => checkStatistics(supernet, config, {})).not.toThrow();
    const { mean, variance } = { mean: new Float32Array(1), variance: new Float32Array(1) };
    expect(() => checkStatistics(supernet, config, { norm: { mean, variance } })).toThrowError('norm does not run');
  });
});

describe('a MobileNet-like supernet', () => {
  it('runs depthwise convolutions, inverted residuals and squeeze-and-excitation as the extracted subnets', async () => {
    const supernet = mobileNet();
    const { apart, spread } = await compareForms(supernet, drawConfigs(supernet, 12));
    expect(apart).toBeLessThan(TOLERANCE);
    expect(spread).toBeGreaterThan(1e-2);
  });

  it('follows the channels through the depthwise convolution by itself', () => {
    const { followed, model } = mobileNet();
    const depthwise = model.graph.nodes.filter((node) => followed.grouped.has(node)).map((node) => node.name);
    expect(depthwise).toEqual(['b0.depth', 'b1.depth', 'b2.depth']);
  });
});

describe('a group called subnet', () => {
  it('is not mistaken for the index of the subnet', async () => {
    const net = new Network([1, 8, 8]);
    const pooled = net.op('GlobalAveragePool', net.layer('a', net.begin(), 8), 'pooled');
    const model = net.build(net.gemm('logits', net.flatten(pooled), 3));
    const supernet = analyse(model, { channels: { subnet: { layers: ['a.conv.weight'], sizes: [4, 8] } } });
    const { apart, spread } = await compareForms(supernet, drawConfigs(supernet, 0));
    expect(apart).toBeLessThan(TOLERANCE);
    expect(spread).toBeGreaterThan(1e-3);
  });
});

describe('other ways to join channels', () => {
  it('keeps groups whole through concatenations, normalized and flattened', async () => {
    const supernet = concatNet();
    const { apart, spread } = await compareForms(supernet, drawConfigs(supernet, 12));
    expect(apart).toBeLessThan(TOLERANCE);
    expect(spread).toBeGreaterThan(1e-2);
  });

  it('leaves out whole groups of a grouped convolution', async () => {
    const supernet = groupedNet([4, 8, 16]);
    const { apart, spread } = await compareForms(supernet, [...allConfigs(supernet)]);
    expect(apart).toBeLessThan(TOLERANCE);
    expect(spread).toBeGreaterThan(1e-2);
    expect(() => groupedNet([6, 16])).toThrowError(/groups of 4 channels.*the sizes must be multiples of 4/);
  });
});

describe('a class token', () => {
  it('shrinks with the width that the spec puts it in, and repeats for every row', async () => {
    const layers = [0, 1].flatMap((i) => [`blocks.${i}.o.weight`, `blocks.${i}.down.weight`]);
    const spec = { channels: { width: { layers: ['patch.weight', 'cls', ...layers], sizes: [3, 8] } } };
    const supernet = readSupernet(readFileSync(new URL('vit-fused-17.onnx', exportsFolder)), spec);
    for (const rows of [1, 4]) {
      const { apart, spread } = await compareForms(supernet, drawConfigs(supernet, 0), { rows });
      expect(apart).toBeLessThan(TOLERANCE);
      expect(spread).toBeGreaterThan(1e-2);
    }
  });
});

describe('a run of many blocks', () => {
  it('is nested no deeper than files can be', async () => {
    const supernet = deepNet(40);
    const configs = [0, 1, 15, 16, 17, 31, 32, 39, 40].map((depth) => ({ depth }));
    const { apart, spread } = await compareForms(supernet, configs);
    expect(apart).toBeLessThan(TOLERANCE);
    expect(spread).toBeGreaterThan(1e-2);
  });
});

describe('many subnets at once', () => {
  it.each(['portable', 'auto'] as const)(
    'hosts 500 in one session of form %s',
    async (form) => {
      const supernet = mobileNet();
      const configs = [...allConfigs(supernet)].slice(-500);
      expect(configs).toHaveLength(500);
      const { apart } = await manyHosted(supernet, configs, form);
      expect(apart).toBeLessThan(TOLERANCE);
    },
    60_000,
  );
});
