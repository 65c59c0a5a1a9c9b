/**
 * The environment that each service is started with: the one place on this side that knows the names of their
 * variables. On the services' own side these are `services/<name>/src/config.ts` and `commonConfig` in
 * packages/shared.
 */
import type { ServiceKind, SystemOptions } from './options.js';

/**
 * @param kind of service
 * @param name of the process
 * @param natsUrl where the system's NATS is
 */
export function serviceEnv(
  kind: ServiceKind,
  name: string,
  natsUrl: string,
  options: SystemOptions,
): Readonly<Record<string, string>> {
  const { logLevel = 'info', subjectPrefix, storage, env } = options;
  return {
    NATS_URL: natsUrl,
    LOG_LEVEL: logLevel,
    ...(subjectPrefix !== undefined && { SUBJECT_PREFIX: subjectPrefix }),
    ...(storage !== undefined && { STORAGE: storage }),
    ...(kind === 'profiler' && { WORKERS_EXPECTED: String(workerCount(options)) }),
    ...(kind === 'gpu-worker' && { WORKER_ID: name }),
    ...env?.all,
    ...env?.[kind],
  };
}

/** Name of a worker, as a process and on the bus. @param index from 0 */
export function workerName(index: number): string {
  return `gpu-worker-${index}`;
}

/** How many workers a system has. */
export function workerCount({ workers = 2 }: SystemOptions): number {
  return workers;
}
