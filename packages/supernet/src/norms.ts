/**
 * SubnetNorm's data: mean and variance of every normalization that runs in a subnet, over the channels that it uses
 * there; and its compact form in bytes, since it ships in files and over an object store.
 *
 *   bytes: 'SLNORM1\0', uint32 length of the index, index as JSON [[name, channels], ...], then for each name
 *          its means and its variances as little-endian float32
 */
import { z } from 'zod';
import { SupernetError } from './errors.js';
import { sizeIn } from './extent.js';
import type { Node } from './onnx/model.js';
import { channelsOf } from './ops/handler.js';
import type { SubnetConfig } from './spec.js';
import { activeNodes, type Supernet } from './supernet.js';

/** Both of one length: the channels that the subnet uses. The variance is the unbiased one, as PyTorch keeps it. */
export interface NormStatistics {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

/** By the normalization's name (normName). */
export type SubnetStatistics = Readonly<Record<string, NormStatistics>>;

/** A subnet that a session can be switched to. */
export interface HostedSubnet {
  readonly id: string;
  readonly config: SubnetConfig;
  readonly statistics: SubnetStatistics;
}

/** A normalization node that runs in a subnet, and how many channels it has there. */
export interface ActiveNorm {
  readonly name: string;
  readonly node: Node;
  readonly channels: number;
}

const MAGIC = new TextEncoder().encode('SLNORM1\0');
const Index = z.array(z.tuple([z.string(), z.int().positive()]));

export function isNorm(node: Node): boolean {
  return node.op === 'BatchNormalization';
}

/** What statistics of a normalization are called: its node's name, or else the tensor that it computes. */
export function normName(node: Node): string {
  return node.name || (node.outputs[0] ?? '');
}

export function activeNorms(supernet: Supernet, config: SubnetConfig): ActiveNorm[] {
  return activeNodes(supernet, config)
    .filter(isNorm)
    .map((node) => {
      const info = supernet.followed.tensors.get(node.inputs[0] ?? '');
      return { name: normName(node), node, channels: info === undefined ? 0 : sizeIn(config, channelsOf(info)) };
    });
}

/** @throws SupernetError `invalid-statistics` unless there are sound statistics of exactly the subnet's normalizations */
export function checkStatistics(supernet: Supernet, config: SubnetConfig, statistics: SubnetStatistics): void {
  const norms = activeNorms(supernet, config);
  for (const { name, channels } of norms) {
    const found = Object.hasOwn(statistics, name) ? statistics[name] : undefined;
    if (found === undefined) throw new SupernetError('invalid-statistics', `There are no statistics of ${name}.`);
    if (found.variance.some((value) => value < 0)) {
      throw new SupernetError('invalid-statistics', `The statistics of ${name} have a negative variance.`);
    }
    for (const values of [found.mean, found.variance]) {
      if (values.length === channels && values.every(Number.isFinite)) continue;
      const problem = values.length === channels ? 'are not finite' : `have ${values.length} channels, not ${channels}`;
      throw new SupernetError('invalid-statistics', `The statistics of ${name} ${problem}.`);
    }
  }
  const extra = Object.keys(statistics).find((name) => !norms.some((norm) => norm.name === name));
  if (extra !== undefined) throw new SupernetError('invalid-statistics', `${extra} does not run in the subnet.`);
}

export function encodeStatistics(statistics: SubnetStatistics): Uint8Array {
  const entries = Object.entries(statistics);
  const index = new TextEncoder().encode(JSON.stringify(entries.map(([name, { mean }]) => [name, mean.length])));
  const floats = entries.reduce((sum, [, { mean, variance }]) => sum + mean.length + variance.length, 0);
  const bytes = new Uint8Array(MAGIC.length + 4 + index.length + 4 * floats);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(MAGIC.length, index.length, true);
  bytes.set(index, MAGIC.length + 4);
  let at = MAGIC.length + 4 + index.length;
  for (const [, { mean, variance }] of entries) {
    for (const value of [...mean, ...variance]) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  return bytes;
}

/** @throws SupernetError `invalid-statistics` when the bytes are not what encodeStatistics writes */
export function decodeStatistics(bytes: Uint8Array): SubnetStatistics {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = MAGIC.length + 4;
  if (bytes.length < header || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new SupernetError('invalid-statistics', 'The bytes hold no subnet statistics.');
  }
  const begin = header + view.getUint32(MAGIC.length, true);
  const index = readIndex(bytes.subarray(header, begin));
  const expected = begin + 8 * index.reduce((sum, [, channels]) => sum + channels, 0);
  if (bytes.length !== expected) {
    throw new SupernetError('invalid-statistics', `Subnet statistics of ${expected} bytes have ${bytes.length}.`);
  }
  let at = begin;
  const read = (channels: number): Float32Array => {
    const values = Float32Array.from({ length: channels }, (_, i) => view.getFloat32(at + 4 * i, true));
    at += 4 * channels;
    return values;
  };
  return Object.fromEntries(
    index.map(([name, channels]) => [name, { mean: read(channels), variance: read(channels) }]),
  );
}

function readIndex(bytes: Uint8Array): [string, number][] {
  try {
    return Index.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw new SupernetError('invalid-statistics', 'The index of the subnet statistics is damaged.', { cause });
  }
}
