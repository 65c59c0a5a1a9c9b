/** Subnet configurations: checking them, one canonical form per subnet, and its id. */
import { type Place, runs } from './depth.js';
import { SupernetError } from './errors.js';
import type { SubnetConfig } from './spec.js';
import type { Supernet } from './supernet.js';

/** The configuration with every group at its largest size. */
export function largestConfig({ groups }: Supernet): SubnetConfig {
  return Object.fromEntries(groups.map(({ name, sizes }) => [name, sizes.at(-1) ?? 0]));
}

/** The configuration with every group at its smallest size, in canonical form. */
export function smallestConfig(supernet: Supernet): SubnetConfig {
  return canonicalConfig(supernet, Object.fromEntries(supernet.groups.map(({ name, sizes }) => [name, sizes[0] ?? 0])));
}

/** @throws SupernetError `invalid-config` unless every group, and nothing else, has one of its allowed sizes */
export function checkConfig({ groups }: Supernet, config: SubnetConfig): void {
  for (const { name, sizes } of groups) {
    const size = config[name];
    if (size === undefined || !sizes.includes(size)) {
      throw new SupernetError(
        'invalid-config',
        `Group ${name} is ${size ?? 'missing'}; allowed are ${sizes.join(', ')}.`,
      );
    }
  }
  const unknown = Object.keys(config).find((name) => !groups.some((group) => group.name === name));
  if (unknown !== undefined) throw new SupernetError('invalid-config', `The spec has no group ${unknown}.`);
}

/**
 * The one form of all configurations that mean the same subnet: groups in the supernet's order, and a channel group
 * that only blocks left out would use at its smallest size.
 * @throws SupernetError `invalid-config`
 */
export function canonicalConfig(supernet: Supernet, config: SubnetConfig): SubnetConfig {
  checkConfig(supernet, config);
  const used = placesOf(supernet);
  const entries = supernet.groups.map(({ name, kind, sizes }): [string, number] => {
    const idle = kind === 'channels' && !used.get(name)?.some((place) => runs(place, config));
    return [name, (idle ? sizes[0] : config[name]) ?? 0];
  });
  return Object.fromEntries(entries);
}

const placesKnown = new WeakMap<Supernet, ReadonlyMap<string, readonly (Place | undefined)[]>>();

/** For each channel group, the blocks (undefined: outside all) in which it cuts something. */
function placesOf(supernet: Supernet): ReadonlyMap<string, readonly (Place | undefined)[]> {
  const known = placesKnown.get(supernet);
  if (known !== undefined) return known;
  const found = new Map<string, Map<string, Place | undefined>>();
  for (const node of supernet.model.graph.nodes) {
    const place = supernet.depths.places.get(node);
    const key = place === undefined ? '' : `${place.group} ${place.index}`;
    for (const { extent } of [...(supernet.followed.cuts.get(node)?.values() ?? [])].flat()) {
      for (const { group } of extent.parts) {
        if (group !== undefined)
          found.set(group, (found.get(group) ?? new Map<string, Place | undefined>()).set(key, place));
      }
    }
  }
  const places = new Map([...found].map(([group, at]) => [group, [...at.values()]]));
  placesKnown.set(supernet, places);
  return places;
}

/**
 * A short id of the subnet, the same for every configuration that means it: initial and size of each group in the
 * supernet's order, e.g. `w32-w64-e16-e32-d1-d0`. Of [a-z0-9-] only, so it can be a NATS token.
 * @throws SupernetError `invalid-config`
 */
export function subnetId(supernet: Supernet, config: SubnetConfig): string {
  const canonical = canonicalConfig(supernet, config);
  return supernet.groups.map(({ name }) => `${name.slice(0, 1)}${canonical[name]}`).join('-') || 'whole';
}

/** All distinct subnets in canonical form. Their number is a product: do not call this for a large space. */
export function* allConfigs(supernet: Supernet): Generator<SubnetConfig> {
  const seen = new Set<string>();
  const sizes = supernet.groups.map((group) => group.sizes);
  const total = sizes.reduce((product, { length }) => product * length, 1);
  for (let code = 0; code < total; code++) {
    let rest = code;
    const picked = supernet.groups.map(({ name, sizes: choices }): [string, number] => {
      const size = choices[rest % choices.length] ?? 0;
      rest = Math.floor(rest / choices.length);
      return [name, size];
    });
    const config = canonicalConfig(supernet, Object.fromEntries(picked));
    const id = subnetId(supernet, config);
    if (!seen.has(id)) yield config;
    seen.add(id);
  }
}
