/**
 * What a user would write instead of Slackline, with the shipped model and real inference: an HTTP server with a fixed subnet,
 * and workers that each pull the work queue. Both have a process for each core.
 */
import { availableParallelism } from 'node:os';
import { readSample } from '@slackline/load';
import { inCheckout, TemporaryFolder } from '@slackline/local';
import type { Contender } from '../contender.js';
import { extractSubnets, type FixedSubnet } from './fixed-subnets.js';
import { httpPeer } from './http-peer.js';
import { mostRows } from './inference.js';
import { pullPeer } from './pull-peer.js';

export type { PeerFigures } from './checked-loop.js';
export type { FixedSubnet } from './fixed-subnets.js';

/** `fastify batches` is fastify with batches of whatever came while the last one ran. */
export const peerKinds = ['fastify', 'fastify batches', 'pull workers'] as const;
export type PeerKind = (typeof peerKinds)[number];

/**
 * A contender of each kind for the smallest, the middle and the largest subnet that is served, named by both. Throws the
 * errors of reading the model folder.
 */
export async function peers(kinds: readonly PeerKind[] = peerKinds): Promise<readonly Contender[]> {
  const modelDir = inCheckout('models/fashion');
  const sample = await readSample(modelDir);
  // Removed when this process ends: every start of a contender reads from it.
  const subnets = await extractSubnets(modelDir, new TemporaryFolder('peers').path);
  const make = (kind: PeerKind, subnet: FixedSubnet): Contender => {
    const options = { name: `${kind} ${subnet.id}`, subnet, sample, processes: availableParallelism() };
    if (kind === 'pull workers') return pullPeer(options);
    return httpPeer({ ...options, batch: kind === 'fastify' ? 1 : mostRows });
  };
  return kinds.flatMap((kind) => subnets.map((subnet) => make(kind, subnet)));
}
