/**
 * The elastic spec: what of a network may shrink. It names groups; which other parameters follow from a group the
 * compiler finds by walking the graph.
 */
import { z } from 'zod';
import { SupernetError } from './errors.js';

const groupName = z
  .string()
  .regex(/^[a-z][a-z0-9_]*$/, 'a group name is lower case: a letter, then letters, digits, _');
const ascending = (numbers: number[]) => numbers.every((n, i) => i === 0 || n > (numbers[i - 1] ?? n));

const ChannelGroup = z.strictObject({
  /** Weight initializers of the layers whose output channels are this group. */
  layers: z.array(z.string().min(1)).min(1),
  /** Numbers of channels allowed, ascending; the last is all of them. */
  sizes: z.array(z.int().positive()).min(1).refine(ascending, 'sizes must ascend'),
});

const DepthGroup = z.strictObject({
  /** The run of blocks, in order: each by the tensor it begins with and the tensor it ends with. */
  blocks: z.array(z.strictObject({ from: z.string().min(1), to: z.string().min(1) })).min(1),
  /** Numbers of blocks allowed (the first ones run), ascending; the last is all of them. */
  depths: z.array(z.int().nonnegative()).min(1).refine(ascending, 'depths must ascend'),
});

export const ElasticSpec = z.strictObject({
  channels: z.record(groupName, ChannelGroup).default({}),
  depth: z.record(groupName, DepthGroup).default({}),
});

export type ElasticSpec = z.infer<typeof ElasticSpec>;
export type ChannelGroup = z.infer<typeof ChannelGroup>;
export type DepthGroup = z.infer<typeof DepthGroup>;

/** The size of every group: channels of a channel group, blocks of a depth group. */
export type SubnetConfig = Readonly<Record<string, number>>;

/** @throws SupernetError `invalid-spec`, with the path of what is wrong */
export function readSpec(spec: unknown): ElasticSpec {
  const parsed = ElasticSpec.safeParse(spec);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'spec'}: ${issue.message}`);
    throw new SupernetError('invalid-spec', `The elastic spec is malformed: ${problems.join('; ')}.`);
  }
  for (const name of Object.keys(parsed.data.depth)) {
    if (name in parsed.data.channels) throw new SupernetError('invalid-spec', `Two groups are called ${name}.`);
  }
  return parsed.data;
}
