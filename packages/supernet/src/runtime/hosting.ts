/** What the ways of the blocked form are given to open. */
import type * as ort from 'onnxruntime-node';
import type { BlockedStore } from '../blocked/store.js';
import type { HostedSubnet } from '../norms.js';
import type { Supernet } from '../supernet.js';

export interface Hosting {
  readonly supernet: Supernet;
  readonly subnets: readonly HostedSubnet[];
  readonly store: BlockedStore;
  readonly threads: number;
  readonly budgetBytes: number;
}

/** Ends sessions, each once. */
export async function releaseAll(sessions: readonly ort.InferenceSession[]): Promise<void> {
  for (const session of new Set(sessions)) await session.release();
}
