/** The supernet of the memory measurement and the subnets that it hosts, written to files for the measured processes. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalConfig, largestConfig, smallestConfig, subnetId } from '../config.js';
import { extract } from '../extract.js';
import { activeNorms, decodeStatistics, encodeStatistics, type HostedSubnet, type SubnetStatistics } from '../norms.js';
import { elements, type Node } from '../onnx/model.js';
import { writeModel } from '../onnx/write.js';
import { sizesForOneRow } from '../sizes.js';
import type { SubnetConfig } from '../spec.js';
import { activeNodes, analyse, readSupernet, type Supernet } from '../supernet.js';
import { random, resnet } from './resnet.js';
import { inputOf, type ServedModel } from './served.js';

/** Subnets that are extracted and loaded side by side. */
const EXTRACTED = 6;

const Index = z.object({
  hosted: z.array(
    z.object({
      id: z.string(),
      config: z.record(z.string(), z.number()),
      statistics: z.tuple([z.number(), z.number()]),
    }),
  ),
  /** Indices of the subnets that run: from the smallest to the largest, evenly spaced along the front. */
  chosen: z.array(z.number()),
  input: z.object({ name: z.string(), sizes: z.array(z.number()) }),
});
type Index = z.infer<typeof Index>;

export interface Fleet {
  readonly folder: string;
  readonly subnets: number;
  readonly chosen: readonly string[];
  readonly parameters: number;
  /** What one hosted subnet's statistics take (mean of all), over what the shared weights take. */
  readonly statisticsShare: number;
}

/** A network of ResNet-50's size hosting that many subnets, from the smallest to the largest. */
export function writeResNet(folder: string, count: number): Fleet {
  const { model, spec } = resnet();
  const supernet = analyse(model, spec);
  const hosted = configsAlong(supernet, count).map((config, i): HostedSubnet => {
    return { id: subnetId(supernet, config), config, statistics: anyStatistics(supernet, config, i) };
  });
  return write(folder, supernet, writeModel(model), spec, hosted);
}

/** A model folder's network hosting the subnets that are served. */
export function writeModelFleet(folder: string, { supernet, onnx, spec, subnets }: ServedModel): Fleet {
  return write(folder, supernet, onnx, spec, subnets);
}

function write(
  folder: string,
  supernet: Supernet,
  onnx: Uint8Array,
  spec: unknown,
  subnets: readonly HostedSubnet[],
): Fleet {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'net.onnx'), onnx);
  writeFileSync(join(folder, 'spec.json'), JSON.stringify(spec));
  const encoded = subnets.map(({ statistics }) => encodeStatistics(statistics));
  let offset = 0;
  const hosted = subnets.map(({ id, config }, i) => {
    const length = encoded[i]?.length ?? 0;
    offset += length;
    return { id, config, statistics: [offset - length, length] as [number, number] };
  });
  writeFileSync(join(folder, 'statistics.bin'), Buffer.concat(encoded));
  const chosen = alongFront(supernet, subnets);
  const { name, sizes } = inputOf(supernet);
  writeFileSync(
    join(folder, 'hosted.json'),
    JSON.stringify({ hosted, chosen, input: { name, sizes: [...sizes] } } satisfies Index),
  );
  for (const [i, index] of chosen.entries()) {
    const subnet = subnets[index];
    if (subnet === undefined) continue;
    writeFileSync(join(folder, `extracted-${i}.onnx`), writeModel(extract(supernet, subnet.config, subnet.statistics)));
  }
  const weights = [...supernet.model.graph.initializers.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  const floats = subnets.flatMap(({ statistics }) => Object.values(statistics).map(({ mean }) => 2 * mean.length));
  const perSubnet = (4 * floats.reduce((sum, n) => sum + n, 0)) / subnets.length;
  return {
    folder,
    subnets: subnets.length,
    chosen: chosen.map((index) => subnets[index]?.id ?? ''),
    parameters: Math.round(weights / 4),
    statisticsShare: perSubnet / weights,
  };
}

export function readIndex(folder: string): Index {
  return Index.parse(JSON.parse(readFileSync(join(folder, 'hosted.json'), 'utf8')));
}

/** The network and its hosted subnets; statistics are decoded when they are read. */
export function readFleet(folder: string): { supernet: Supernet; subnets: HostedSubnet[] } {
  const read = (name: string) => readFileSync(join(folder, name));
  const { hosted } = readIndex(folder);
  const bytes = read('statistics.bin');
  const subnets = hosted.map(({ id, config, statistics: [offset, length] }) => {
    const decode = (): SubnetStatistics => decodeStatistics(bytes.subarray(offset, offset + length));
    return {
      id,
      config,
      get statistics() {
        return decode();
      },
    };
  });
  return { supernet: readSupernet(read('net.onnx'), JSON.parse(read('spec.json').toString())), subnets };
}

/** Distinct configurations whose sizes grow together, with some variation. */
function configsAlong(supernet: Supernet, count: number): SubnetConfig[] {
  const draw = random(2);
  const found = new Map<string, SubnetConfig>();
  const add = (config: SubnetConfig) => found.set(subnetId(supernet, config), config);
  add(smallestConfig(supernet));
  add(canonicalConfig(supernet, largestConfig(supernet)));
  for (let i = 0; found.size < count; i++) {
    const level = (i % count) / (count - 1);
    const entries = supernet.groups.map(({ name, sizes }): [string, number] => {
      const last = sizes.length - 1;
      const at = Math.round(level * last + 1.2 * (draw() - 0.5));
      return [name, sizes[Math.min(last, Math.max(0, at))] ?? 0];
    });
    add(canonicalConfig(supernet, Object.fromEntries(entries)));
  }
  return [...found.values()];
}

function anyStatistics(supernet: Supernet, config: SubnetConfig, seed: number): SubnetStatistics {
  const draw = random(seed);
  const values = (count: number, offset: number) => Float32Array.from({ length: count }, () => offset + 0.2 * draw());
  const entries = activeNorms(supernet, config).map(({ name, channels }) => {
    return [name, { mean: values(channels, -0.1), variance: values(channels, 1) }] as const;
  });
  return Object.fromEntries(entries);
}

/** Indices of subnets evenly spaced by their multiplications, smallest and largest among them. */
function alongFront(supernet: Supernet, subnets: readonly HostedSubnet[]): number[] {
  const costs = subnets.map(({ config }, index) => ({ index, cost: multiplications(supernet, config) }));
  const sorted = costs.toSorted((a, b) => a.cost - b.cost);
  const [first, last] = [sorted[0]?.cost ?? 0, sorted.at(-1)?.cost ?? 0];
  const wanted = Array.from({ length: EXTRACTED }, (_, i) => first + (i / (EXTRACTED - 1)) * (last - first));
  const nearest = wanted.map((cost) => {
    const by = sorted.toSorted((a, b) => Math.abs(a.cost - cost) - Math.abs(b.cost - cost));
    return by[0]?.index ?? 0;
  });
  return [...new Set(nearest)];
}

function multiplications(supernet: Supernet, config: SubnetConfig): number {
  const size = (name: string, node?: Node) => sizesForOneRow(supernet, config, name, node) ?? [];
  const perNode = activeNodes(supernet, config).map((node) => {
    if (node.op !== 'Conv' && node.op !== 'Gemm') return 0;
    const [, , ...pixels] = size(node.outputs[0] ?? '');
    return elements(size(node.inputs[1] ?? '', node)) * elements(pixels);
  });
  return perNode.reduce((sum, n) => sum + n, 0);
}
