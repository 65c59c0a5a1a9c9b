/** What the `profiles` bucket holds: the served models, and how fast each subnet is on each device class. JSON, for people. */
import { z } from 'zod';
import { SlacklineError } from './errors.js';
import { quote } from './quote.js';
import { namePattern, profileKeys } from './subjects.js';

/** A SHA-256 in hexadecimal. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal');

/** Datatypes of the Open Inference Protocol that a model can take or give. */
export const datatypes = ['BOOL', 'UINT8', 'INT8', 'INT16', 'INT32', 'INT64', 'FP32', 'FP64'] as const;
export type Datatype = (typeof datatypes)[number];

/** Metadata of one tensor; the first dimension is the rows and is -1. */
export const tensorMetadata = z.object({
  name: z.string().min(1),
  datatype: z.enum(datatypes),
  shape: z.array(z.int()).min(1),
});
export type TensorMetadata = z.infer<typeof tensorMetadata>;

/** A model that is served. */
export const modelEntry = z.object({
  v: z.literal(1),
  name: z.string().regex(namePattern),
  /** SHA-256 of the servable, its name in the `models` object store. */
  digest: sha256,
  /** Digest of the submission that it was made of; absent for a model that a folder of the profiler provides. */
  submission: sha256.optional(),
  inputs: z.array(tensorMetadata).length(1),
  outputs: z.array(tensorMetadata).min(1),
  /** The limit of queries that state none. */
  sloMs: z.number().positive(),
  /** Top-1 accuracy in 0..1 of every subnet that is hosted. */
  subnets: z.array(z.object({ id: z.string().min(1), accuracy: z.number().min(0).max(1) })).min(1),
});
export type ModelEntry = z.infer<typeof modelEntry>;

/** How long each subnet of a model takes on one device class, for its pareto front. */
export const latencyProfile = z.object({
  v: z.literal(1),
  model: z.string().regex(namePattern),
  digest: z.string(),
  deviceClass: z.string().regex(namePattern),
  executor: z.string(),
  /** How many workers of the host ran at once while it was taken: they share the cores. */
  concurrency: z.int().min(1),
  measuredAt: z.string(),
  /** Batch sizes, ascending; the columns of the tables below. */
  batches: z.array(z.int().min(1)).min(1),
  /** Ascending in accuracy and in latency: the pareto front. */
  subnets: z
    .array(
      z.object({
        id: z.string().min(1),
        accuracy: z.number().min(0).max(1),
        p50Ms: z.array(z.number().positive()),
        p99Ms: z.array(z.number().positive()),
        /** Time to bring its weights onto the device when others are there; absent: none, as within a supernet. */
        loadMs: z.number().min(0).optional(),
      }),
    )
    .min(1),
});
export type LatencyProfile = z.infer<typeof latencyProfile>;

/** A profile that decisions can be made from: sizes fit, and latency rises with the batch and with the subnet. */
export const orderedProfile = latencyProfile.superRefine(({ batches, subnets }, context) => {
  const wrong = (message: string) => context.addIssue({ code: 'custom', message });
  if (batches[0] !== 1 || !rises(batches)) wrong('batches must ascend from 1');
  subnets.forEach((subnet, index) => {
    const before = subnets[index - 1];
    for (const times of ['p50Ms', 'p99Ms'] as const) {
      if (subnet[times].length !== batches.length)
        wrong(`${times} of subnet ${index} must have one time for each batch`);
      if (!rises(subnet[times])) wrong(`${times} of subnet ${index} must not fall with the batch`);
      if (before?.[times].some((ms, batch) => ms > (subnet[times][batch] ?? ms))) {
        wrong(`${times} of subnet ${index} must not be below those of the one before`);
      }
    }
    if (before !== undefined && before.accuracy > subnet.accuracy) wrong('subnets must ascend in accuracy');
  });
});

const rises = (numbers: readonly number[]) => numbers.every((number, i) => i === 0 || number >= (numbers[i - 1] ?? 0));

/**
 * The profile in a value of the `profiles` bucket. Throws `invalid_model` where it cannot be used, or is about something else
 * than its key says.
 */
export function readLatencyProfile(key: string, value: Uint8Array): LatencyProfile {
  const about = profileKeys.latencyOf(key);
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(value).toString());
  } catch (cause) {
    throw new SlacklineError('invalid_model', `The profile ${quote(key)} is not JSON`, { cause });
  }
  const checked = orderedProfile.safeParse(parsed);
  if (!checked.success) {
    const issues = checked.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')} ${message}`.trim());
    throw new SlacklineError('invalid_model', `The profile ${quote(key)} cannot be used (${issues.join('; ')})`);
  }
  const profile = checked.data;
  if (profile.model === about?.model && profile.deviceClass === about.deviceClass) return profile;
  const what = `The profile ${quote(key)} is of ${profile.model} on ${profile.deviceClass}`;
  throw new SlacklineError('invalid_model', what);
}
