/**
 * The environment that each service is started with: the one place on this side that knows the names of their
 * variables. On the services' own side these are `services/<name>/src/config.ts` and `commonConfig` in
 * packages/shared.
 */
import type { ServiceKind, SystemOptions, WorkerGroup } from './options.js';

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
    ...(kind === 'gpu-worker' && workerEnv(name, options)),
  };
}

/** Name of a worker, as a process and on the bus. @param index from 0 */
export function workerName(index: number): string {
  return `gpu-worker-${index}`;
}

/** How many workers a system has. */
export function workerCount(options: SystemOptions): number {
  return groupsOf(options).reduce((sum, { count }) => sum + count, 0);
}

/** What the group of a worker is told beside what all are; the groups' workers are numbered one group after the other. */
function workerEnv(name: string, options: SystemOptions): Readonly<Record<string, string>> {
  let first = 0;
  for (const { count, env } of groupsOf(options)) {
    for (let index = first; index < first + count; index++) if (workerName(index) === name) return env;
    first += count;
  }
  return {};
}

function groupsOf({ workers = 2 }: SystemOptions): readonly WorkerGroup[] {
  return typeof workers === 'number' ? [{ count: workers, env: {} }] : workers;
}
