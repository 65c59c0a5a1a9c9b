/** Every form must answer what the extracted subnet answers, whatever ran before. */
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { afterEach, describe, expect, it } from 'vitest';
import { blockSize } from './blocked/block-size.js';
import { canonicalConfig, largestConfig, smallestConfig, subnetId } from './config.js';
import { extract } from './extract.js';
import type { HostedSubnet } from './norms.js';
import { floatOutput, openSession, type TypedArray } from './ort.js';
import type { FormName } from './runtime/form.js';
import { type SessionOptions, SupernetSession } from './runtime/session.js';
import type { SubnetConfig } from './spec.js';
import { calibrate } from './statistics.js';
import { readSupernet, type Supernet } from './supernet.js';
import { randomFloats } from './testing/network.js';
import { preActivationNet, residualNet, wideInputNet } from './testing/supernets.js';

const TOLERANCE = 1e-4;
const shipped = new URL('../../../models/fashion/', import.meta.url);
const block = await blockSize();
const forms: FormName[] = block === undefined ? ['portable'] : ['portable', 'blocked'];

function rowsOf(supernet: Supernet, rows: number, seed: number): TypedArray {
  const [input] = supernet.inputs;
  const count = (input?.shape ?? []).slice(1).reduce((product, size) => product * size, rows);
  const values = randomFloats(count, seed);
  return input?.datatype === 'uint8' ? Uint8Array.from(values, (value) => 127 * (value + 1)) : values;
}

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

function largestDifference(a: ArrayLike<number>, b: Float32Array): number {
  return b.reduce((most, value, i) => Math.max(most, Math.abs(value - (a[i] ?? Number.NaN))), 0);
}

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of cleanup.splice(0)) await end();
});

describe.each(forms)('the %s form', (form) => {
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

  it('holds more choices of depth than get a graph each', async () => {
    const supernet = residualNet({ width: [16], inner: [8, 16], blocks: 4 });
    const depths = [0, 1, 2, 3, 4];
    const configs = depths.flatMap((depth1) =>
      depths.map((depth2) => ({ ...largestConfig(supernet), depth1, depth2 })),
    );
    await compare(supernet, configs, { form });
  });

  it('answers the same with room for one actuated subnet only', async () => {
    const supernet = residualNet({ width: [16, 32], inner: [16] });
    await compare(supernet, someConfigs(supernet, 4), { form, actuatedBytes: 0 });
  });

  it.runIf(existsSync(new URL('net.onnx', shipped)))('runs the network that ships', async () => {
    const spec: unknown = JSON.parse(readFileSync(new URL('spec.json', shipped), 'utf8'));
    const supernet = readSupernet(readFileSync(new URL('net.onnx', shipped)), spec);
    await compare(supernet, someConfigs(supernet, 3), { form }, 5);
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
