/** Every form must answer what the extracted subnet answers, whatever ran before. */
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { blockSize } from './blocked/block-size.js';
import { mappingWorks } from './blocked/mapped-graph.js';
import { allConfigs, canonicalConfig, largestConfig, smallestConfig, subnetId } from './config.js';
import { extract } from './extract.js';
import { activeNorms, type HostedSubnet } from './norms.js';
import type { Model } from './onnx/model.js';
import { floatOutput, openSession } from './ort.js';
import type { FormName } from './runtime/form.js';
import { type SessionOptions, SupernetSession } from './runtime/session.js';
import type { SubnetConfig } from './spec.js';
import { calibrate } from './statistics.js';
import { analyse, readSupernet, type Supernet } from './supernet.js';
import { largestDifference, rowsOf, runExtracted } from './testing/compare.js';
import { concatNet, groupedNet, mobileNet } from './testing/families.js';
import { Network } from './testing/network.js';
import { preActivationNet, residualNet, wideInputNet } from './testing/supernets.js';
import { transformer } from './testing/transformer.js';

const TOLERANCE = 1e-4;
const shipped = new URL('../../../models/fashion/', import.meta.url);
const block = await blockSize();
const mapping = await mappingWorks();
const forms: FormName[] = block === undefined ? ['portable'] : ['portable', 'blocked'];

/** Corner configurations and some drawn from all. */
function someConfigs(supernet: Supernet, count: number): SubnetConfig[] {
  const any = fc.record(
    Object.fromEntries(supernet.groups.map(({ name, sizes }) => [name, fc.constantFrom(...sizes)])),
  );
  const drawn = fc.sample(any, { numRuns: count, seed: 7 }) as SubnetConfig[];
  return [largestConfig(supernet), smallestConfig(supernet), ...drawn].map((config) =>
    canonicalConfig(supernet, config),
  );
}

/** Runs drawn sequences of switches and batches, and compares each answer with that of the static graph. */
async function compare(
  supernet: Supernet,
  configs: SubnetConfig[],
  options: SessionOptions,
  numRuns = 15,
): Promise<SupernetSession> {
  const hosted: HostedSubnet[] = [];
  for (const config of configs) {
    const statistics = await calibrate(supernet, config, rowsOf(supernet, 32, 3));
    hosted.push({ id: subnetId(supernet, config), config, statistics });
  }
  const stills = await Promise.all(
    hosted.map(({ config, statistics }) => openSession(extract(supernet, config, statistics))),
  );
  cleanup.push(...stills.map((still) => () => still.release()));
  const session = await SupernetSession.open(supernet, hosted, options);
  cleanup.push(() => session.release());
  const [input] = supernet.inputs;
  const [output] = supernet.outputs;
  const check = async (index: number, rows: number, seed: number): Promise<void> => {
    const data = rowsOf(supernet, rows, seed);
    session.actuate(index);
    const [answer] = await session.run(data, rows);
    const tensor = new ort.Tensor(input?.datatype ?? 'float32', data, [rows, ...(input?.shape.slice(1) ?? [])]);
    const expected = await stills[index]?.run({ [input?.name ?? '']: tensor });
    const values = floatOutput(expected ?? {}, output?.name ?? '');
    expect(answer).toHaveLength(values.length);
    expect(largestDifference(answer ?? [], values)).toBeLessThan(TOLERANCE);
    expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(10 * TOLERANCE);
  };
  for (const [index] of hosted.entries()) for (const rows of [1, 3, 16]) await check(index, rows, rows);
  const step = fc.tuple(fc.nat(hosted.length - 1), fc.integer({ min: 1, max: 16 }), fc.nat(1_000));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      for (const [index, rows, seed] of steps) await check(index, rows, seed);
    }),
    { numRuns },
  );
  return session;
}

/** Depthwise convolution, gate and concatenation of whole blocks: none of them has to leave the layout. */
function wideMobileNet(): Supernet {
  const net = new Network([3, 8, 8], 14);
  const a = net.layer('a', net.begin(), 32);
  const b = net.op('Clip', net.norm('b.norm', net.depthwise('b', a)), 'b.act');
  const pooled = net.op('GlobalAveragePool', b, 'gate.pool');
  const gate = net.op('Sigmoid', net.conv('gate', pooled, 32, { kernel: 1 }), 'gate.act');
  const gated = net.op('Mul', b, 'gated', gate);
  const joined = { name: net.add('Concat', [gated.name, a.name], 'joined', { axis: 1 }), channels: 64 };
  const out = net.layer('out', net.pool('MaxPool', 'small', joined), 20);
  const model = net.build(net.gemm('logits', net.flatten(net.op('GlobalAveragePool', out, 'pooled')), 5));
  return analyse(model, { channels: { wide: { layers: ['a.conv.weight', 'gate.weight'], sizes: [16, 32] } } });
}

/** Arithmetic with constants between depthwise convolutions. */
function shiftedNet(): Supernet {
  const net = new Network([3, 8, 8], 14);
  const a = net.depthwise('a', net.layer('first', net.begin(), 32));
  const shifted = net.op('Add', a, 'shifted', net.random('shift', [1, 32, 1, 1], 1));
  const b = net.depthwise('b', net.op('Mul', shifted, 'scaled', net.random('scale', [32, 1, 1], 1)));
  const normal = net.norm('norm', net.op('Sub', b, 'lowered', net.constant('half', [], [0.5])));
  const model = net.build(net.gemm('logits', net.flatten(net.op('GlobalAveragePool', normal, 'pooled')), 5));
  return analyse(model, { channels: { wide: { layers: ['first.conv.weight'], sizes: [16, 32] } } });
}

function fromFile({ model, spec }: { model: Model; spec: unknown }): Supernet {
  return analyse(model, spec);
}

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of cleanup.splice(0)) await end();
});

describe('this machine', () => {
  it.runIf(process.env.CI === 'true' && existsSync('/dev/shm'))('maps weights, so that no test is skipped', () => {
    expect(mapping).toBe(true);
  });
});

describe.each(forms)('the %s form', (form) => {
  it('refuses another run or a switch while it runs, and everything once it is released', async () => {
    const supernet = residualNet({ width: [16], inner: [8, 16] });
    const session = await compare(supernet, someConfigs(supernet, 0), { form }, 1);
    const data = rowsOf(supernet, 2, 1);
    const pending = session.run(data, 2);
    expect(() => session.actuate(1)).toThrowError(expect.objectContaining({ code: 'session-busy' }));
    await expect(session.run(data, 2)).rejects.toMatchObject({ code: 'session-busy' });
    const released = session.release();
    expect(await pending).toHaveLength(1);
    await released;
    expect(() => session.actuate(1)).toThrowError(expect.objectContaining({ code: 'session-released' }));
    await expect(session.run(data, 2)).rejects.toMatchObject({ code: 'session-released' });
    await session.release();
  });

  it('runs every subnet of a residual network as the extracted one', async () => {
    const supernet = residualNet({ width: [16, 32], inner: [16, 32, 48] });
    expect((await compare(supernet, someConfigs(supernet, 8), { form })).form).toBe(form);
  });

  it('runs channel counts that are no whole blocks', async () => {
    const supernet = residualNet({ width: [5, 16, 21], inner: [3, 24, 40] });
    await compare(supernet, someConfigs(supernet, 8), { form });
  });

  it('runs pools, gates, free-standing normalizations and flattened pixels', async () => {
    const supernet = preActivationNet([8, 16, 24]);
    await compare(supernet, someConfigs(supernet, 4), { form });
  });

  it('runs wide plain input and two convolutions that are added', async () => {
    const supernet = wideInputNet(20);
    await compare(supernet, someConfigs(supernet, 3), { form });
  });

  it.each(form === 'portable' ? [64] : [0, 9, 64])(
    'holds 25 choices of depth in up to %d graphs',
    async (maxGraphs) => {
      const supernet = residualNet({ width: [16], inner: [8, 16], blocks: 4 });
      const depths = [0, 1, 2, 3, 4];
      const configs = depths.flatMap((depth1) =>
        depths.map((depth2) => ({ ...largestConfig(supernet), depth1, depth2 })),
      );
      await compare(supernet, configs, { form, maxGraphs }, 5);
    },
  );

  it.each([0, 4, 64])('answers the same with room for one actuated subnet, in %d graphs', async (maxGraphs) => {
    const supernet = residualNet({ width: [16, 32], inner: [16] });
    await compare(supernet, someConfigs(supernet, 4), { form, actuatedBytes: 0, maxGraphs });
  });

  it('answers the same with room for some of the actuated subnets', async () => {
    const supernet = residualNet({ width: [16, 32], inner: [16] });
    const configs = someConfigs(supernet, 6);
    for (const maxGraphs of form === 'portable' ? [64] : [0, 64]) {
      const session = await compare(supernet, configs, { form, actuatedBytes: 250_000, maxGraphs });
      if (form === 'blocked') expect(session.actuatedBytes).toBeGreaterThan(125_000);
    }
  });

  it.runIf(existsSync(new URL('net.onnx', shipped)))('runs the network that ships', async () => {
    const spec: unknown = JSON.parse(readFileSync(new URL('spec.json', shipped), 'utf8'));
    const supernet = readSupernet(readFileSync(new URL('net.onnx', shipped)), spec);
    await compare(supernet, someConfigs(supernet, 3), { form }, 5);
  });
});

describe.runIf(mapping)('a network that the layout holds subnet by subnet', () => {
  const sizes = { layers: 2, heads: [1, 2, 3], headSize: 4, hidden: [8, 20], depths: [0, 1, 2] };
  const families: [string, () => Supernet][] = [
    ['depthwise convolutions, squeeze-and-excitation', mobileNet],
    ['wide depthwise convolutions in whole blocks', wideMobileNet],
    ['shifts and scales of each channel', shiftedNet],
    ['concatenated groups', concatNet],
    ['grouped convolutions', () => groupedNet([4, 8, 16])],
    ['a transformer', () => fromFile(transformer(sizes))],
    ['a transformer with layer normalization in its parts', () => fromFile(transformer({ ...sizes, opset: 13 }))],
  ];

  it.each(families)('runs as the extracted subnets: %s', async (_, network) => {
    const supernet = network();
    const configs = someConfigs(supernet, 5);
    for (const actuatedBytes of [0, 2 ** 20]) {
      const session = await compare(supernet, configs, { form: 'blocked', actuatedBytes }, 5);
      expect(session.form).toBe('blocked');
    }
  });

  it('leaves them to the portable form where that is too many graphs', async () => {
    const session = await compare(mobileNet(), someConfigs(mobileNet(), 3), { form: 'auto', maxGraphs: 2 }, 2);
    expect(session.form).toBe('portable');
  });
});

describe.runIf(mapping)('mapped weights', () => {
  it('have no name any more in shared memory while they are used', async () => {
    const supernet = residualNet({ width: [16, 32], inner: [16] });
    const session = await compare(supernet, someConfigs(supernet, 2), { form: 'blocked' }, 1);
    expect(session.form).toBe('blocked');
    const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
    const ours = maps.filter((line) => line.includes('/dev/shm/slackline-'));
    expect(ours.length).toBeGreaterThan(0);
    expect(ours.filter((line) => !line.endsWith('(deleted)'))).toEqual([]);
  });
});

describe('hundreds of subnets', () => {
  it('are hosted with one graph and little room, their statistics read when they are needed', async () => {
    const supernet = residualNet({ width: [8, 16, 24, 32], inner: [8, 16, 24], blocks: 4 });
    const configs = [...allConfigs(supernet)].filter((_, i) => i % 5 === 0).slice(0, 500);
    expect(configs).toHaveLength(500);
    const largest = await calibrate(supernet, largestConfig(supernet), rowsOf(supernet, 16, 3));
    const statisticsOf = (config: SubnetConfig) => {
      const names = activeNorms(supernet, config).map(({ name, channels }) => {
        const { mean, variance } = largest[name] ?? { mean: new Float32Array(0), variance: new Float32Array(0) };
        return [name, { mean: mean.slice(0, channels), variance: variance.slice(0, channels) }] as const;
      });
      return Object.fromEntries(names);
    };
    const hosted = configs.map((config) => ({
      id: subnetId(supernet, config),
      config,
      get statistics() {
        return statisticsOf(config);
      },
    }));
    const session = await SupernetSession.open(supernet, hosted, { actuatedBytes: 2 ** 20 });
    cleanup.push(() => session.release());
    const data = rowsOf(supernet, 2, 5);
    for (const index of [499, 0, 250, 1, 499, 123]) {
      const { config = {}, statistics = {} } = hosted[index] ?? {};
      session.actuate(index);
      const [answer] = await session.run(data, 2);
      const expected = await runExtracted(supernet, config, statistics, data, 2);
      expect(largestDifference(answer ?? [], expected)).toBeLessThan(TOLERANCE);
    }
    expect(() => session.actuate(500)).toThrow('500 are hosted');
  });
});

describe.runIf(block !== undefined)('where ONNX Runtime refuses a graph with fed weights', () => {
  it('is portable, and has released the graphs that were open', async () => {
    const supernet = residualNet({ width: [16], inner: [8, 16] });
    const create = ort.InferenceSession.create.bind(ort.InferenceSession);
    const released: string[] = [];
    let fed = 0;
    const spy = vi.spyOn(ort.InferenceSession, 'create').mockImplementation(async (...given: unknown[]) => {
      const options = given[1] as ort.InferenceSession.SessionOptions;
      const session = await create(given[0] as Uint8Array, options);
      if (options.enableMemPattern !== false) return session;
      if (++fed === 2) {
        await session.release();
        throw new Error('no such graph');
      }
      vi.spyOn(session, 'release').mockImplementation(async () => void released.push('one'));
      return session;
    });
    cleanup.push(async () => spy.mockRestore());
    // More subnets than graphs, so that weights are fed, and as many choices of depths as graphs.
    const configs = [
      { depth1: 0, inner2: 16 },
      { depth1: 1, inner2: 16 },
      { depth1: 1, inner2: 8 },
    ].map((sizes) => ({ ...largestConfig(supernet), ...sizes }));
    expect((await compare(supernet, configs, { form: 'auto', maxGraphs: 2 }, 1)).form).toBe('portable');
    expect(released).toEqual(['one']);
  });
});

describe.runIf(block !== undefined)('where the layout cannot hold a network', () => {
  it('says so when asked for the blocked form, and is portable otherwise', async () => {
    const supernet = wideInputNet(18);
    const [config] = someConfigs(supernet, 0);
    await expect(compare(supernet, config ? [config] : [], { form: 'blocked' })).rejects.toMatchObject({
      code: 'blocked-unavailable',
      message: expect.stringContaining('image can have 18 channels'),
    });
    expect((await compare(supernet, config ? [config] : [], { form: 'auto' })).form).toBe('portable');
  });
});
