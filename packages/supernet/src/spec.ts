/**
 * The elastic spec: what of a network may shrink. It names groups; which other parameters follow from a group the
 * compiler finds by walking the graph.
 */
import { z } from 'zod';
import { SupernetError } from './errors.js';

/** Far more than any network has. */
const MAX_GROUPS = 256;
const MAX_LAYERS = 4096;
const MAX_BLOCKS = 256;
const MAX_SIZES = 1024;
const MAX_PARTS = 64;
/** As many of the problems of a malformed spec are told. */
const MAX_PROBLEMS = 5;

const groupName = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9_]*$/, 'a group name is lower case: a letter, then letters, digits, _');
const ascending = (numbers: number[]) => numbers.every((n, i) => i === 0 || n > (numbers[i - 1] ?? n));
const tensorName = z.string().min(1);

const Layer = z.union([
  tensorName.describe('Name of the weight of a layer whose output is the group.'),
  z
    .strictObject({
      weight: tensorName.describe('Name of the weight.'),
      parts: z.int().min(1).max(MAX_PARTS).describe('How many times in a row the output holds the group.'),
    })
    .describe('A layer whose output is the group several times in a row, as query, key and value in one layer are.'),
]);

const ChannelGroup = z.strictObject({
  layers: z.array(Layer).min(1).max(MAX_LAYERS).describe('The layers whose output channels are this group.'),
  sizes: z
    .array(z.int().positive())
    .min(1)
    .max(MAX_SIZES)
    .refine(ascending, 'sizes must ascend')
    .describe('Numbers of channels allowed, ascending; the last is all of them.'),
});

const Block = z.strictObject({
  from: tensorName.describe('The tensor that the block begins with.'),
  to: tensorName.describe('The tensor that it ends with, of the same shape.'),
});

const DepthGroup = z.strictObject({
  blocks: z
    .array(Block)
    .min(1)
    .max(MAX_BLOCKS)
    .describe('The run of blocks, in order; each begins where the last ends.'),
  depths: z
    .array(z.int().nonnegative())
    .min(1)
    .max(MAX_BLOCKS + 1)
    .refine(ascending, 'depths must ascend')
    .describe('Numbers of blocks allowed (the first ones run), ascending; the last is all of them.'),
});

/** Groups by name. */
function groups<T extends z.ZodType>(group: T, description: string) {
  return z
    .record(groupName, group)
    .refine((all) => Object.keys(all).length <= MAX_GROUPS, `there are more than ${MAX_GROUPS} groups`)
    .default({})
    .meta({ description, maxProperties: MAX_GROUPS });
}

export const ElasticSpec = z.strictObject({
  $schema: z.string().optional().describe('Where the JSON Schema of this file is; for editors.'),
  channels: groups(ChannelGroup, 'Groups of channels, by name.'),
  depth: groups(DepthGroup, 'Runs of blocks, by name.'),
  normalization: z
    .enum(['required', 'none'])
    .default('required')
    .describe('none: the network has no normalization, so convolutions without one are no sign of a careless export.'),
});

export type ElasticSpec = z.infer<typeof ElasticSpec>;
export type ChannelGroup = z.infer<typeof ChannelGroup>;
export type DepthGroup = z.infer<typeof DepthGroup>;

/** The size of every group: channels of a channel group, blocks of a depth group. */
export type SubnetConfig = Readonly<Record<string, number>>;

function problem(issue: z.core.$ZodIssue): string {
  const place = issue.path.join('.') || 'spec';
  const why = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined;
  return `${place}: ${why ?? issue.message}`;
}

/** @throws SupernetError `invalid-spec`, with the path of what is wrong */
export function readSpec(spec: unknown): ElasticSpec {
  const parsed = ElasticSpec.safeParse(spec);
  if (!parsed.success) {
    const problems = parsed.error.issues.slice(0, MAX_PROBLEMS).map(problem);
    throw new SupernetError('invalid-spec', `The elastic spec is malformed: ${problems.join('; ')}.`);
  }
  for (const name of Object.keys(parsed.data.depth)) {
    if (Object.hasOwn(parsed.data.channels, name))
      throw new SupernetError('invalid-spec', `Two groups are called ${name}.`);
  }
  return parsed.data;
}

/** Every layer that the spec names, with its group and how many times in a row its output is the group. */
export function layersOf({ channels }: ElasticSpec): { group: string; weight: string; parts: number }[] {
  return Object.entries(channels).flatMap(([group, { layers }]) =>
    layers.map((layer) => ({ group, ...(typeof layer === 'string' ? { weight: layer, parts: 1 } : layer) })),
  );
}

/** JSON Schema (2020-12) of the spec. That sizes ascend it cannot say. */
export function specSchema(): object {
  return {
    ...z.toJSONSchema(ElasticSpec, { io: 'input' }),
    title: 'Elastic spec',
    description: 'What of a trained network may shrink; see docs/supernet.md.',
  };
}
