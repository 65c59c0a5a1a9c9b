import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { largestConfig, smallestConfig } from './config.js';
import { extract } from './extract.js';
import { checkStatistics, decodeStatistics, encodeStatistics, type SubnetStatistics } from './norms.js';
import { floats, floatTensor } from './onnx/model.js';
import { floatOutput, openSession } from './ort.js';
import { SupernetSession } from './runtime/session.js';
import { calibrate } from './statistics.js';
import { analyse } from './supernet.js';
import { Network, randomFloats } from './testing/network.js';
import { residualNet } from './testing/supernets.js';

describe('calibration', () => {
  it('averages each batch, with the unbiased variance, and weighs a short last batch like the others', async () => {
    const net = new Network([2, 3, 3]);
    const supernet = analyse(net.build(net.gemm('logits', net.flatten(net.norm('norm', net.begin()), 9), 2)), {});
    const images = randomFloats(6 * 18, 5);
    const found = (await calibrate(supernet, {}, images, 4)).norm;
    const batches = [images.subarray(0, 4 * 18), images.subarray(4 * 18)];
    for (const channel of [0, 1]) {
      const perBatch = batches.map((batch) => {
        const values = batch.filter((_, i) => Math.floor(i / 9) % 2 === channel);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        return { mean, variance: squares / (values.length - 1) };
      });
      const average = (pick: (batch: { mean: number; variance: number }) => number) =>
        perBatch.reduce((sum, batch) => sum + pick(batch), 0) / perBatch.length;
      expect(found?.mean[channel]).toBeCloseTo(
        average(({ mean }) => mean),
        5,
      );
      expect(found?.variance[channel]).toBeCloseTo(
        average(({ variance }) => variance),
        5,
      );
    }
  });

  it('counts what a subnet has of the other axes too', async () => {
    const net = new Network([1, 3, 4]);
    const images = { name: net.add('Squeeze', [net.begin().name, net.integers('one', [1])], 'x'), channels: 3 };
    const wide = net.add('MatMul', [images.name, net.random('w', [4, 8], 1)], 'wide');
    const normal = net.norm('norm', { name: wide, channels: 3 });
    const mean = net.add('ReduceMean', [normal.name], 'mean', { axes: [2], keepdims: 0 });
    const supernet = analyse(net.build({ name: mean, channels: 3 }), {
      channels: { width: { layers: ['w'], sizes: [2, 8] } },
    });
    const whole = analyse(extract(supernet, { width: 2 }), {});
    const data = randomFloats(4 * 12, 3);
    expect(await calibrate(supernet, { width: 2 }, data)).toEqual(await calibrate(whole, {}, data));
  });

  it('gives every layer what it gets while the layers before use the statistics of the batch', async () => {
    const supernet = residualNet({ width: [16, 32], inner: [8, 16] });
    const config = { width1: 16, inner1: 16, width2: 32, inner2: 8, depth1: 2, depth2: 1 };
    const images = Uint8Array.from(randomFloats(64 * 64, 9), (value) => 127 * (value + 1));
    const statistics = await calibrate(supernet, config, images);
    checkStatistics(supernet, config, statistics);
    // One batch: normalizing by the kept statistics gives that batch zero mean and unit variance in every layer again.
    const model = extract(supernet, config, statistics);
    const { nodes, initializers } = model.graph;
    const norms = nodes.filter((node) => node.op === 'BatchNormalization');
    const outputs = norms.map(({ outputs: [name = ''] }) => ({ name, type: 'float32' as const, dims: undefined }));
    const session = await openSession({ ...model, graph: { ...model.graph, outputs } });
    const answers = await session.run({ image: new ort.Tensor('uint8', images, [64, 1, 8, 8]) });
    await session.release();
    for (const norm of norms) {
      const values = floatOutput(answers, norm.outputs[0] ?? '');
      const shift = floats(initializers.get(norm.inputs[2] ?? '') ?? floatTensor([0], []));
      const channels = shift.length;
      const pixels = values.length / 64 / channels;
      const firstChannel = values.filter((_, i) => Math.floor(i / pixels) % channels === 0);
      const mean = firstChannel.reduce((sum, value) => sum + value, 0) / firstChannel.length;
      expect(Math.abs(mean - (shift[0] ?? Number.NaN))).toBeLessThan(2e-2);
    }
  });

  it('refuses images that are no whole rows', async () => {
    const supernet = residualNet({ width: [16], inner: [8] });
    await expect(calibrate(supernet, largestConfig(supernet), new Uint8Array(65))).rejects.toMatchObject({
      code: 'invalid-input',
    });
  });
});

describe('the largest subnet with the statistics in the file', () => {
  it('answers what the original network answers', async () => {
    const supernet = residualNet({ width: [16, 32], inner: [8, 16] });
    const config = largestConfig(supernet);
    const own = Object.fromEntries(
      supernet.model.graph.nodes
        .filter((node) => node.op === 'BatchNormalization')
        .map((node) => {
          const values = (index: number) =>
            floats(supernet.model.graph.initializers.get(node.inputs[index] ?? '') ?? floatTensor([0], []));
          return [node.name, { mean: values(3), variance: values(4) }];
        }),
    );
    const images = Uint8Array.from(randomFloats(5 * 64, 1), (value) => 127 * (value + 1));
    const original = await openSession(supernet.model);
    const expected = await original.run({ image: new ort.Tensor('uint8', images, [5, 1, 8, 8]) });
    await original.release();
    const session = await SupernetSession.open(supernet, [{ id: 'largest', config, statistics: own }]);
    const [answer = []] = await session.run(images, 5);
    await session.release();
    const values = floatOutput(expected, 'logits');
    expect(Math.max(...values.map((value, i) => Math.abs(value - (answer[i] ?? Number.NaN))))).toBeLessThan(1e-4);
    expect(extract(supernet, config, own).graph).toEqual(supernet.model.graph);
  });
});

describe('statistics as bytes', () => {
  const channels = fc.integer({ min: 1, max: 40 });
  const any = fc.dictionary(fc.string({ minLength: 1 }), channels).map((sizes): SubnetStatistics => {
    const entries = Object.entries(sizes).map(([name, size], i) => [
      name,
      { mean: randomFloats(size, i), variance: randomFloats(size, i + 1).map(Math.abs) },
    ]);
    return Object.fromEntries(entries);
  });

  it('read back as they were, from any position', () => {
    fc.assert(
      fc.property(any, fc.nat(7), (statistics, offset) => {
        const bytes = encodeStatistics(statistics);
        const moved = new Uint8Array(bytes.length + offset);
        moved.set(bytes, offset);
        expect(decodeStatistics(moved.subarray(offset))).toEqual(statistics);
      }),
    );
  });

  it('are refused when cut short', () => {
    fc.assert(
      fc.property(any, fc.double({ min: 0, max: 0.999, noNaN: true }), (statistics, part) => {
        const bytes = encodeStatistics(statistics);
        const cut = bytes.subarray(0, Math.floor(part * bytes.length));
        expect(() => decodeStatistics(cut)).toThrowError(expect.objectContaining({ code: 'invalid-statistics' }));
      }),
    );
  });
});

describe('a session', () => {
  const supernet = residualNet({ width: [16, 32], inner: [8] });
  const config = smallestConfig(supernet);
  const images = Uint8Array.from(randomFloats(8 * 64, 2), (value) => 127 * (value + 1));

  it('refuses statistics of another subnet, by normalization', async () => {
    const largest = await calibrate(supernet, largestConfig(supernet), images);
    const open = SupernetSession.open(supernet, [{ id: 'x', config, statistics: largest }]);
    await expect(open).rejects.toThrowError('The statistics of down1.norm have 32 channels, not 16.');
    const own = await calibrate(supernet, config, images);
    const missing = SupernetSession.open(supernet, [{ id: 'x', config: largestConfig(supernet), statistics: own }]);
    await expect(missing).rejects.toMatchObject({ code: 'invalid-statistics' });
  });

  it('refuses a negative variance', async () => {
    const own = await calibrate(supernet, config, images);
    const [name = ''] = Object.keys(own);
    const norm = own[name];
    const variance = norm?.variance.map((value, i) => (i === 0 ? -1e-3 : value)) ?? new Float32Array(0);
    const statistics = { ...own, [name]: { mean: norm?.mean ?? variance, variance } };
    const open = SupernetSession.open(supernet, [{ id: 'x', config, statistics }]);
    await expect(open).rejects.toThrowError(`The statistics of ${name} have a negative variance.`);
  });

  it('refuses data that do not fit and subnets that it does not host', async () => {
    const statistics = await calibrate(supernet, config, images);
    const session = await SupernetSession.open(supernet, [{ id: 'x', config, statistics }]);
    await expect(session.run(images.subarray(1, 65), 2)).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(session.run(images.subarray(0, 0), 0)).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(session.run(images.subarray(0, 96), 1.5)).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(session.run(new Float32Array(64), 1)).rejects.toThrowError(
      'image is uint8, which no Float32Array holds',
    );
    await expect(calibrate(supernet, config, new Float32Array(64))).rejects.toMatchObject({ code: 'invalid-input' });
    expect(() => session.actuate(1)).toThrowError('There is no subnet 1; 1 are hosted.');
    await session.release();
  });
});
