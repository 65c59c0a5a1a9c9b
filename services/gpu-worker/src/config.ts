/** The worker's configuration; docs/worker.md is its table. */
import { hostname } from 'node:os';
import { commonConfig, namePattern, numberFrom, replyPrefixes } from '@slackline/shared';
import { z } from 'zod';
import type { Choice } from './executors/choose.js';

/** What is left of `text` when it must stand as one token of a subject, at most `length` characters. */
function slug(text: string, length: number): string {
  return text
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .slice(0, length)
    .replaceAll(/^-+|-+$/g, '');
}

/** `<host>-<pid>`: no two living processes of one NATS share it, as long as hosts have names of their own. */
export function defaultWorkerId(host: string, pid: number): string {
  return `${slug(host, 64 - String(pid).length - 1) || 'worker'}-${pid}`;
}

/** `<executor>-<model of the device>`: workers of the same class share one latency profile. */
export function defaultDeviceClass(executor: string, model: string): string {
  const words = slug(
    model
      .toLowerCase()
      .replaceAll(/\((r|tm)\)/g, '')
      .replaceAll(/@.*$|\b(cpu|processor)\b|\d+-core/g, ''),
    63 - executor.length,
  ).replaceAll(/-{2,}/g, '-');
  return `${executor}-${words || 'unknown'}`;
}

export const workerConfig = commonConfig
  .extend({
    /** Name of the worker; with several per process, `-0`, `-1`, … follow. */
    WORKER_ID: z
      .string()
      .regex(namePattern)
      .default(() => defaultWorkerId(hostname(), process.pid)),
    /** What runs the batches: a device, the best that works here, or a stand-in that takes DEVICE_CLASS's profiled time. */
    EXECUTOR: z
      .enum(['auto', 'cpu', 'webgpu', 'cuda', 'emulated', 'onnxruntime'])
      .default('cpu')
      // What the CPU was called before there were others.
      .transform((name) => (name === 'onnxruntime' ? 'cpu' : name)),
    /** Workers of one class share latency profiles. Required for `emulated`. */
    DEVICE_CLASS: z.string().regex(namePattern).optional(),
    /** Each has its own id, epoch and device; they share the process and the connection. */
    WORKERS_PER_PROCESS: numberFrom(z.number().int().min(1).max(4_096)).default(1),
    /** How often a worker says that it lives. */
    HEARTBEAT_MS: numberFrom(z.number().min(10).max(10_000)).default(100),
    /** After a silence this long schedulers may have given the worker up: it takes a new epoch. */
    DEAD_AFTER_MS: numberFrom(z.number().min(50).max(60_000)).default(500),
    /** Where pings and measurements may be answered: reply subjects must begin with one of these. */
    ALLOWED_REPLY_PREFIXES: replyPrefixes,
    /** Threads of one inference; one worker per core with one thread each is best for small models. */
    THREADS: numberFrom(z.number().int().min(1).max(256)).default(1),
  })
  .refine((config) => config.EXECUTOR !== 'emulated' || config.DEVICE_CLASS !== undefined, {
    path: ['DEVICE_CLASS'],
    message: 'names the device to emulate',
  })
  .refine((config) => config.HEARTBEAT_MS < config.DEAD_AFTER_MS, {
    path: ['HEARTBEAT_MS'],
    message: 'must be below DEAD_AFTER_MS',
  });
export type WorkerConfig = z.infer<typeof workerConfig>;

/** The class of the device that was chosen. */
export function deviceClassOf(config: WorkerConfig, { executor, device = '' }: Choice): string {
  return config.DEVICE_CLASS ?? defaultDeviceClass(executor === 'cpu' ? 'onnxruntime-cpu' : executor, device);
}

/** Ids of the workers of this process. */
export function workerIds(config: WorkerConfig): string[] {
  const count = config.WORKERS_PER_PROCESS;
  return count === 1 ? [config.WORKER_ID] : Array.from({ length: count }, (_, i) => `${config.WORKER_ID}-${i}`);
}
