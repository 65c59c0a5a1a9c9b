/** The model that is measured: the network of a model folder with the subnets that are served of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { decodeStatistics, type HostedSubnet } from '../norms.js';
import { readSupernet, type Supernet } from '../supernet.js';

const Manifest = z.object({ onnx: z.string(), spec: z.string() });
const Subnets = z.object({
  subnets: z.array(
    z.object({
      id: z.string(),
      config: z.record(z.string(), z.number()),
      accuracy: z.number(),
      /** Where in statistics.bin: offset and length. */
      statistics: z.tuple([z.number(), z.number()]),
    }),
  ),
});

export interface ServedSubnet extends HostedSubnet {
  /** Share of the test inputs, 0 to 1. */
  readonly accuracy: number;
}

export interface ServedModel {
  readonly supernet: Supernet;
  /** From the smallest to the largest. */
  readonly subnets: readonly ServedSubnet[];
  /** The file as it is. */
  readonly onnx: Uint8Array;
  readonly spec: unknown;
}

export function readServed(folder: string): ServedModel {
  const read = (name: string) => readFileSync(join(folder, name));
  const json = (name: string): unknown => JSON.parse(read(name).toString());
  const manifest = Manifest.parse(json('model.json'));
  const statistics = read('statistics.bin');
  const subnets = Subnets.parse(json('subnets.json')).subnets.map((subnet) => {
    const [offset, length] = subnet.statistics;
    return { ...subnet, statistics: decodeStatistics(statistics.subarray(offset, offset + length)) };
  });
  const onnx = read(manifest.onnx);
  const spec = json(manifest.spec);
  return { supernet: readSupernet(onnx, spec), subnets, onnx, spec };
}

/** The sizes of one row of the input. @throws Error unless the input is uint8 */
export function inputOf({ inputs: [input] }: Supernet): { name: string; sizes: readonly number[]; perRow: number } {
  if (input?.datatype !== 'uint8') throw new Error('The benchmark sends uint8 inputs.');
  const sizes = input.shape.slice(1);
  return { name: input.name, sizes, perRow: sizes.reduce((product, size) => product * size, 1) };
}
