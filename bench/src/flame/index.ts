/** What a process did with its time: a CPU profile as a flame graph, and as numbers. */
import { type FlameFrame, flameSvg } from '@slackline/plot';
import { ownerColors, ownerNames, owners } from './owners.js';
import { type Call, type CpuProfile, callTree } from './profile.js';
import { shares } from './shares.js';

export { type Owner, ownerNames, owners } from './owners.js';
export type { CpuProfile } from './profile.js';
export { type FunctionShare, type OwnerShare, type Shares, shares, sharesText } from './shares.js';

/**
 * A profile as an SVG: widths are shares of the time in which the process was busy. Throws `Error` for nodes that are no tree.
 *
 * @param options.width in pixels, default 1,200
 */
export function flameGraph(profile: CpuProfile, options: { title: string; width?: number }): string {
  const { root, idleUs } = callTree(profile);
  const { byOwner } = shares(profile, 0);
  const self = new Map(byOwner.map((share) => [share.owner, share.self]));
  const [busyMs, allMs] = [root.totalUs / 1_000, (root.totalUs + idleUs) / 1_000];
  const busy = allMs > 0 ? (100 * busyMs) / allMs : 0;
  return flameSvg({
    ...options,
    subtitle: `width: share of the busy time, ${busyMs.toFixed(0)} ms of ${allMs.toFixed(0)} ms (${busy.toFixed(0)} %)`,
    root: frameOf(root),
    legend: owners.map((owner) => ({
      label: `${ownerNames[owner]} ${(100 * (self.get(owner) ?? 0)).toFixed(1)} %`,
      color: ownerColors[owner],
    })),
  });
}

function frameOf({ name, owner, place, totalUs, callees }: Call): FlameFrame {
  return {
    name,
    value: totalUs,
    color: ownerColors[owner],
    details: [ownerNames[owner], place].filter((part) => part !== '').join(', '),
    callees: callees.map(frameOf),
  };
}
