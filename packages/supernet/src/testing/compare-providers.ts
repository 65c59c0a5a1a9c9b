/**
 * A process that runs subnets of one supernet on an execution provider and on the CPU, and tells its parent how far the
 * answers lie apart. A process of its own, as a device's driver may do anything to the one that loads it. For tests.
 */
import '../no-telemetry.js';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { subnetId } from '../config.js';
import type { HostedSubnet } from '../norms.js';
import type { ExecutionProvider, TypedArray } from '../ort.js';
import { SupernetSession } from '../runtime/session.js';
import { calibrate } from '../statistics.js';
import { analyse, readSupernet, type Supernet } from '../supernet.js';
import { drawConfigs, largestDifference, rowsOf } from './compare.js';
import { preActivationNet } from './supernets.js';
import { transformer } from './transformer.js';

/** One run on both sides. */
export interface Comparison {
  readonly subnet: string;
  readonly rows: number;
  /** Largest difference of two outputs. */
  readonly difference: number;
  /** Largest output of the CPU. */
  readonly largest: number;
}

export type ComparisonMessage = { readonly comparisons: readonly Comparison[] } | { readonly error: string };

/** Beside the largest and the smallest; few, as software Vulkan takes half a second to compile a shader. */
const DRAWN = 1;

/** Supernets that need no file. */
const networks: Readonly<Record<string, () => Supernet>> = {
  'pre-activation': () => preActivationNet([8, 12, 16]),
  transformer: () => {
    const { model, spec } = transformer({ layers: 2, heads: [1, 2, 3], headSize: 4, hidden: [8, 16], depths: [1, 2] });
    return analyse(model, spec);
  },
};

/** @param source a name of `networks`, or a folder with `net.onnx` and `spec.json` */
function open(source: string): Supernet {
  const build = networks[source];
  if (build !== undefined) return build();
  if (!existsSync(source)) throw new Error(`There is no network ${source}.`);
  const spec: unknown = JSON.parse(readFileSync(join(source, 'spec.json'), 'utf8'));
  return readSupernet(readFileSync(join(source, 'net.onnx')), spec);
}

async function compare(supernet: Supernet, executionProvider: ExecutionProvider): Promise<Comparison[]> {
  const hosted: HostedSubnet[] = [];
  for (const config of drawConfigs(supernet, DRAWN)) {
    const statistics = await calibrate(supernet, config, rowsOf(supernet, 32, 3));
    hosted.push({ id: subnetId(supernet, config), config, statistics });
  }
  const cpu = await SupernetSession.open(supernet, hosted);
  const device = await SupernetSession.open(supernet, hosted, { executionProvider });
  const there = [...hosted.keys()];
  // The subnets change with every run, there and back.
  const runs = [...there.map((index) => ({ index, rows: 1 })), ...there.reverse().map((index) => ({ index, rows: 4 }))];
  const comparisons: Comparison[] = [];
  for (const { index, rows } of runs) {
    const data = rowsOf(supernet, rows, index + rows);
    const expected = await runOn(cpu, index, data, rows);
    const difference = largestDifference(await runOn(device, index, data, rows), expected);
    const largest = Math.max(...expected.map(Math.abs));
    comparisons.push({ subnet: hosted[index]?.id ?? '', rows, difference, largest });
  }
  return comparisons;
}

async function runOn(session: SupernetSession, index: number, data: TypedArray, rows: number): Promise<number[]> {
  session.actuate(index);
  return (await session.run(data, rows)).flatMap((output) => Array.from(output));
}

async function main(provider: string, source: string): Promise<ComparisonMessage> {
  try {
    return { comparisons: await compare(open(source), provider as ExecutionProvider) };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

const [, , provider = '', source = ''] = process.argv;
process.send?.(await main(provider, source));
