/** The rows that a load sends: labelled images in a model's folder (NumPy arrays), or zeros where there is none. */
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { packageFile, readArray, rowBytes, SlacklineError } from '@slackline/shared';
import { z } from 'zod';
import type { LoadModel } from './options.js';

const file = z.string().min(1);

/** What the producer's side needs of a model folder's `model.json`. */
const manifestSchema = z.object({
  name: z.string(),
  test: z.object({ images: file, labels: file, range: z.tuple([z.int().min(0), z.int().min(1)]) }),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** Rows of uint8 and the class of each. */
export interface Sample {
  count: number;
  /** Row `index` modulo the number of rows, as the raw bytes of a query. */
  row(index: number): Uint8Array;
  /** Its class; undefined where nobody knows. */
  label(index: number): number | undefined;
}

/** The rows of each model. Throws what `readSample` throws. */
export function samplesOf(models: readonly LoadModel[]): Promise<Sample[]> {
  return Promise.all(
    models.map(({ modelDir, entry }) => {
      if (modelDir !== undefined) return readSample(modelDir);
      const [input] = entry.inputs;
      const zeros = new Uint8Array(input === undefined ? 0 : rowBytes(input));
      return { count: 1, row: () => zeros, label: () => undefined };
    }),
  );
}

/** Reads `model.json`. Throws `invalid_model`. */
export async function readManifest(modelDir: string): Promise<Manifest> {
  const path = join(modelDir, 'model.json');
  try {
    return manifestSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new SlacklineError('invalid_model', `${path} cannot be read as a model’s manifest`, { cause });
  }
}

/**
 * Reads the test images behind the manifest's range: on those within it the profile's accuracies were measured, these were
 * never looked at. Throws `invalid_model` when they are missing or do not fit, `invalid_array` when they are no arrays.
 */
export async function readSample(modelDir: string): Promise<Sample> {
  const { test } = await readManifest(modelDir);
  // Models of one task share their labelled rows: a neighbour's are as good.
  const fileOf = (name: string) => packageFile(modelDir, name, dirname(resolve(modelDir)));
  const images = await readBytes(await fileOf(test.images));
  const labels = await readBytes(await fileOf(test.labels));
  const [rows = 0] = images.shape;
  const firstUnseen = test.range[1];
  const count = rows - firstUnseen;
  if (count <= 0 || labels.shape[0] !== rows) {
    const found = `${rows} test images and ${labels.shape[0] ?? 0} labels`;
    throw new SlacklineError(
      'invalid_model',
      `${modelDir} has ${found}, and needs as many of both and more than ${firstUnseen}`,
    );
  }
  const rowBytes = images.data.length / rows;
  const place = (index: number) => firstUnseen + (index % count);
  return {
    count,
    row: (index) => images.data.subarray(place(index) * rowBytes, (place(index) + 1) * rowBytes),
    label: (index) => labels.data[place(index)],
  };
}

/** Throws `invalid_model` or `invalid_array`. */
async function readBytes(path: string): Promise<{ data: Uint8Array; shape: number[] }> {
  const { data, shape } = await readArray(path);
  if (data instanceof Uint8Array) return { data, shape };
  throw new SlacklineError('invalid_model', `${path} holds no uint8 array`);
}
