/** The subnets that peers serve: each as a static ONNX file of its own, as a user would export it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeStatistics, extract, readSupernet, writeModel } from '@slackline/supernet';
import { z } from 'zod';

const manifestSchema = z.object({ onnx: z.string(), spec: z.string() });
const subnetsSchema = z.object({
  subnets: z
    .array(
      z.object({
        id: z.string(),
        config: z.record(z.string(), z.number()),
        accuracy: z.number(),
        /** Where in statistics.bin: offset and length. */
        statistics: z.tuple([z.number(), z.number()]),
      }),
    )
    .min(1),
});

type Subnet = z.infer<typeof subnetsSchema>['subnets'][number];

export interface FixedSubnet {
  id: string;
  /** Share of the test inputs that it is right on, 0 to 1. */
  accuracy: number;
  /** Absolute path of its ONNX file. */
  file: string;
}

/**
 * Extracts the smallest, the middle and the largest of the subnets that are served, into `folder`.
 * Throws the errors of reading the model folder.
 */
export async function extractSubnets(modelDir: string, folder: string): Promise<FixedSubnet[]> {
  const read = (name: string) => readFile(join(modelDir, name));
  const json = async (name: string): Promise<unknown> => JSON.parse((await read(name)).toString());
  const manifest = manifestSchema.parse(await json('model.json'));
  const { subnets } = subnetsSchema.parse(await json('subnets.json'));
  const supernet = readSupernet(await read(manifest.onnx), await json(manifest.spec));
  const statistics = await read('statistics.bin');
  return Promise.all(
    smallestMiddleLargest(subnets).map(async ({ id, accuracy, config, statistics: [offset, length] }) => {
      const measured = decodeStatistics(statistics.subarray(offset, offset + length));
      const file = join(folder, `${id}.onnx`);
      await writeFile(file, writeModel(extract(supernet, config, measured)));
      return { id, accuracy, file };
    }),
  );
}

/** @param subnets from the cheapest to the dearest; those that a cheaper one beats are not served, as in a latency profile */
export function smallestMiddleLargest(subnets: readonly Subnet[]): Subnet[] {
  let best = Number.NEGATIVE_INFINITY;
  const served = subnets.filter(({ accuracy }) => {
    const isBetter = accuracy > best;
    if (isBetter) best = accuracy;
    return isBetter;
  });
  const places = new Set([0, Math.floor((served.length - 1) / 2), served.length - 1]);
  return [...places].flatMap((place) => served[place] ?? []);
}
