/** Runs subnets in a session and as extracted static graphs, and tells how far the answers lie apart. For tests. */
import * as ort from 'onnxruntime-node';
import { canonicalConfig, largestConfig, smallestConfig, subnetId } from '../config.js';
import { extract } from '../extract.js';
import type { HostedSubnet } from '../norms.js';
import { floatOutput, openSession, type TypedArray } from '../ort.js';
import type { FormName } from '../runtime/form.js';
import { SupernetSession } from '../runtime/session.js';
import type { SubnetConfig } from '../spec.js';
import { calibrate } from '../statistics.js';
import type { Supernet } from '../supernet.js';
import { randomFloats } from './network.js';

export interface Comparison {
  /** Largest difference between the session's and the extracted subnet's answers. */
  readonly apart: number;
  /** Largest difference between two subnets' answers: that they are different networks at all. */
  readonly spread: number;
  readonly form: FormName;
}

export async function compareForms(
  supernet: Supernet,
  configs: readonly SubnetConfig[],
  { form = 'portable', rows = 3 }: { form?: 'auto' | FormName; rows?: number } = {},
): Promise<Comparison> {
  const hosted: HostedSubnet[] = [];
  for (const config of configs) {
    const statistics = await calibrate(supernet, config, rowsOf(supernet, 16, 3));
    hosted.push({ id: subnetId(supernet, config), config, statistics });
  }
  const session = await SupernetSession.open(supernet, hosted, { form });
  const input = rowsOf(supernet, rows, 11);
  const answers: Float32Array[] = [];
  let apart = 0;
  try {
    for (const [index, { config, statistics }] of hosted.entries()) {
      const expected = await runExtracted(supernet, config, statistics, input, rows);
      session.actuate(index);
      const [answer] = await session.run(input, rows);
      apart = Math.max(apart, largestDifference(answer ?? [], expected));
      answers.push(expected);
    }
  } finally {
    await session.release();
  }
  const [first = new Float32Array(0)] = answers;
  const spread = Math.max(0, ...answers.slice(1).map((answer) => largestDifference(answer, first)));
  return { apart, spread, form: session.form };
}

/** The first output of an extracted subnet; without statistics with those in the file. */
export async function runExtracted(
  supernet: Supernet,
  config: SubnetConfig,
  statistics: HostedSubnet['statistics'] | undefined,
  input: TypedArray,
  rows: number,
): Promise<Float32Array> {
  const [signature] = supernet.inputs;
  const still = await openSession(extract(supernet, config, statistics));
  try {
    const dims = [rows, ...(signature?.shape.slice(1) ?? [])];
    const tensor = new ort.Tensor(signature?.datatype ?? 'float32', input, dims);
    const outputs = await still.run({ [signature?.name ?? '']: tensor });
    return Float32Array.from(floatOutput(outputs, supernet.outputs[0]?.name ?? ''));
  } finally {
    await still.release();
  }
}

export function rowsOf(supernet: Supernet, rows: number, seed: number): TypedArray {
  const [input] = supernet.inputs;
  const count = (input?.shape ?? []).slice(1).reduce((product, size) => product * size, rows);
  const values = randomFloats(count, seed);
  return input?.datatype === 'uint8' ? Uint8Array.from(values, (value) => 127 * (value + 1)) : values;
}

/** Largest, smallest, and `count` others that follow from the seed. */
export function drawConfigs(supernet: Supernet, count: number, seed = 1): SubnetConfig[] {
  const draws = randomFloats(count * supernet.groups.length, seed);
  const drawn = Array.from({ length: count }, (_, k) =>
    Object.fromEntries(
      supernet.groups.map(({ name, sizes }, i) => {
        const share = ((draws[k * supernet.groups.length + i] ?? 0) + 1) / 2;
        return [name, sizes[Math.floor(share * sizes.length)] ?? sizes[0] ?? 0];
      }),
    ),
  );
  const all = [largestConfig(supernet), smallestConfig(supernet), ...drawn];
  const distinct = new Map(all.map((config) => [subnetId(supernet, config), canonicalConfig(supernet, config)]));
  return [...distinct.values()];
}

/** NaN counts as infinitely far. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN));
    most = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, difference);
  }
  return most;
}
