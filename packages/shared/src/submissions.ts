/**
 * A submission: a trained supernet and its data on their way to a served model. The client puts the files into the object
 * store `submissions` under their digests and asks the profiler on `profiler.submit`; from then on the record in the KV
 * bucket `submissions`, under the model's name, says how far it is. It is gone when the model is published.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { sha256 } from './catalog.js';

/** What a submission consists of; `calibration` may be left out where no layer has statistics. */
export const submissionParts = ['onnx', 'spec', 'calibration', 'images', 'labels'] as const;
export type SubmissionPart = (typeof submissionParts)[number];

/** What a part is called in sentences; the command's options are called the same. */
export const partTitles: Readonly<Record<SubmissionPart, string>> = {
  onnx: 'network',
  spec: 'elastic spec',
  calibration: 'calibration file',
  images: 'validation images file',
  labels: 'validation labels file',
};

/** Uploads whose request never came, and what was cut of them, are forgotten after this long; the profiler renews others. */
export const uploadMaxAgeMs = 4 * 24 * 60 * 60 * 1_000;
/** A protobuf cannot be larger, and so neither can a network. Every file is held to it. */
export const largestFileBytes = 2 ** 31 - 1;
/** The limit of queries that state none, where the submission states none. */
export const defaultSloMs = 100;

/** A file in the object store: its SHA-256 is its name. */
export const submittedFile = z.object({ digest: sha256, bytes: z.int().min(0) });
export type SubmittedFile = z.infer<typeof submittedFile>;

export const submittedFiles = z.object({
  onnx: submittedFile,
  spec: submittedFile,
  calibration: submittedFile.optional(),
  images: submittedFile,
  labels: submittedFile,
});
export type SubmittedFiles = z.infer<typeof submittedFiles>;

/** How the subnets are searched for. */
export const searchOptions = z.object({
  /** A shorter search, for trying things out. */
  quick: z.boolean().default(false),
  seed: z.int().min(0).default(1),
  /** How many subnets to keep at most; absent: the profiler's default. */
  front: z.int().min(2).max(4_096).optional(),
});
export type SearchOptions = z.infer<typeof searchOptions>;

/** `profiler.submit`, a request. The name is checked by the profiler, which says what is wrong with it. */
export const submitRequest = z.object({
  v: z.literal(1),
  name: z.string(),
  sloMs: z.number().positive().max(3_600_000),
  files: submittedFiles,
  options: searchOptions,
  /** Whether it may take the place of a model, or of a pending submission, of the same name. */
  replace: z.boolean().default(false),
});
export type SubmitRequest = z.infer<typeof submitRequest>;

/** Its answer: taken; pending already and the same; or the published model was made of just this. */
export const submitReply = z.object({
  v: z.literal(1),
  status: z.enum(['accepted', 'following', 'unchanged']),
  /** Identity of the submission. */
  digest: sha256,
});
export type SubmitReply = z.infer<typeof submitReply>;

/** `profiler.remove`, a request: take the model, and a pending submission of the name, away. */
export const removeRequest = z.object({ v: z.literal(1), name: z.string() });
export const removeReply = z.object({ v: z.literal(1), model: z.boolean(), submission: z.boolean() });

/** `profiler.measure`, a request: measure the model's latency anew, on one device class or on all. */
export const remeasureRequest = z.object({ v: z.literal(1), name: z.string(), deviceClass: z.string().optional() });
export const remeasureReply = z.object({ v: z.literal(1), deviceClasses: z.array(z.string()) });

/** The record of a submission, as JSON. */
export const submissionRecord = z.object({
  v: z.literal(1),
  name: z.string(),
  digest: sha256,
  sloMs: z.number().positive(),
  files: submittedFiles,
  options: searchOptions,
  /** ISO 8601, by the profiler's clock. */
  submittedAt: z.string(),
  state: z.enum(['queued', 'running', 'failed']),
  /** What is being done, for people: `statistics`, `search`, `loading`, `latency`, … */
  stage: z.string(),
  /** How much of the whole is done, 0..1, and about how long the rest takes; null: not known yet. */
  shareDone: z.number().min(0).max(1),
  leftMs: z.number().min(0).nullable(),
  /** The servable that was built of it: a profiler that takes over need not build again. */
  servable: sha256.optional(),
  /** The version whose place it takes: let go when it is published. */
  replaces: sha256.optional(),
  /** Why it failed, and when. */
  error: z.object({ code: z.string(), message: z.string(), at: z.string() }).optional(),
});
export type SubmissionRecord = z.infer<typeof submissionRecord>;

/** Identity of a submission: what the model is made of and how, whoever submits it and when. */
export function submissionDigest({ name, sloMs, files, options }: Omit<SubmitRequest, 'v' | 'replace'>): string {
  const digests = submissionParts.map((part) => files[part]?.digest ?? null);
  const identity = [name, sloMs, ...digests, options.quick, options.seed, options.front ?? null];
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}
