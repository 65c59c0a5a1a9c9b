/** How many processes of each kind a system has, and what they are called: by their kind and an index from 0. */
import type { ServiceKind, SystemOptions, WorkerGroup } from './options.js';
import { serviceKinds } from './options.js';

/** `scheduler-0`, `gpu-worker-3`; there is one `profiler`. A worker has the same name on the bus. @param index from 0 */
export function nameOf(kind: ServiceKind, index: number): string {
  return kind === 'profiler' ? kind : `${kind}-${index}`;
}

/** Which kind of service a process is; undefined for a name that this system gives to none. */
export function kindOf(name: string): ServiceKind | undefined {
  return serviceKinds.find((kind) => (kind === 'profiler' ? name === kind : name.startsWith(`${kind}-`)));
}

/** Names of all processes of a kind. */
export function namesOf(kind: ServiceKind, options: SystemOptions): readonly string[] {
  return Array.from({ length: countOf(kind, options) }, (_, index) => nameOf(kind, index));
}

/** How many workers a system has. */
export function workerCount(options: SystemOptions): number {
  return groupsOf(options).reduce((sum, { count }) => sum + count, 0);
}

/** The groups of workers; they are numbered one group after the other. */
export function groupsOf({ workers = 2 }: SystemOptions): readonly WorkerGroup[] {
  return typeof workers === 'number' ? [{ count: workers, env: {} }] : workers;
}

function countOf(kind: ServiceKind, options: SystemOptions): number {
  if (kind === 'gpu-worker') return workerCount(options);
  if (kind === 'ingest') return options.ingests ?? 1;
  return kind === 'scheduler' ? (options.schedulers ?? 1) : 1;
}
