/**
 * The environment that each service is started with: the one place on this side that knows the names of their
 * variables. On the services' own side these are `services/<name>/src/config.ts` and `commonConfig` in
 * packages/shared.
 */
import { groupsOf, nameOf, workerCount } from './names.js';
import type { ServiceKind, SystemOptions } from './options.js';

/**
 * @param kind of service
 * @param name of the process
 * @param natsUrl where NATS is for this process
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
    ...(kind === 'gpu-worker' ? { WORKER_ID: name } : { INSTANCE_NAME: name }),
    ...env?.all,
    ...env?.[kind],
    ...(kind === 'gpu-worker' && workerEnv(name, options)),
  };
}

/** What the group of a worker is told beside what all are; the groups' workers are numbered one group after the other. */
function workerEnv(name: string, options: SystemOptions): Readonly<Record<string, string>> {
  let first = 0;
  for (const { count, env } of groupsOf(options)) {
    for (let index = first; index < first + count; index++) if (nameOf('gpu-worker', index) === name) return env;
    first += count;
  }
  return {};
}
