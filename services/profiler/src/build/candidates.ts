/** Draws the subnets that a build tries: the corners of the elastic space, one-at-a-time variations, random ones. */
import { createHash } from 'node:crypto';
import { canonicalConfig, type SubnetConfig, type Supernet, subnetId } from '@slackline/supernet';

/** A subnet to be tried. */
export interface Candidate {
  id: string;
  config: SubnetConfig;
}

/** After so many draws in a row that were there already, the space counts as exhausted. */
const patience = 1_000;

/**
 * Up to `count` different subnets (fewer if there are no more), in the order of their importance: the smallest and the
 * largest, each of these with one group changed, then random ones. The same seed draws the same subnets.
 */
export function drawCandidates(supernet: Supernet, count: number, seed: number): Candidate[] {
  const { groups } = supernet;
  const drawn = new Map<string, SubnetConfig>();
  const add = (config: SubnetConfig) => {
    if (drawn.size < count) drawn.set(subnetId(supernet, config), canonicalConfig(supernet, config));
  };
  const pick = (choose: (sizes: readonly number[], group: string) => number | undefined): SubnetConfig =>
    Object.fromEntries(groups.map(({ name, sizes }) => [name, choose(sizes, name) ?? 0]));

  const corners = [pick((sizes) => sizes[0]), pick((sizes) => sizes.at(-1))];
  corners.forEach(add);
  for (const corner of corners) {
    for (const { name, sizes } of groups) {
      for (const size of sizes) add({ ...corner, [name]: size });
    }
  }
  for (let draw = 0, misses = 0; drawn.size < count && misses < patience; draw++) {
    const before = drawn.size;
    add(pick((sizes, group) => sizes[hashed(`${seed}/${draw}/${group}`) % sizes.length]));
    misses = drawn.size > before ? 0 : misses + 1;
  }
  return [...drawn].map(([id, config]) => ({ id, config }));
}

/** A hash as the source of chance keeps no state: what a draw gives does not depend on those before it. */
function hashed(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32LE();
}
