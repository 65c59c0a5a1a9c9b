/** What the ways of the blocked form are given to open. */
import type * as ort from 'onnxruntime-node';
import type { BlockedStore } from '../blocked/store.js';
import { SupernetError } from '../errors.js';
import type { HostedSubnet } from '../norms.js';
import type { Supernet } from '../supernet.js';

export interface Hosting {
  readonly supernet: Supernet;
  readonly subnets: readonly HostedSubnet[];
  readonly store: BlockedStore;
  readonly threads: number;
  readonly budgetBytes: number;
}

/** Whatever the blocked form cannot be opened for, the portable form may hold all the same. */
export function unavailableFor(cause: unknown): SupernetError {
  if (cause instanceof SupernetError && cause.code === 'blocked-unavailable') return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SupernetError('blocked-unavailable', `The blocked form cannot be opened: ${reason}`, { cause });
}

/** Ends sessions, each once. */
export async function releaseAll(sessions: readonly ort.InferenceSession[]): Promise<void> {
  for (const session of new Set(sessions)) await session.release();
}
