/**
 * What the statistics of the hosted subnets come to, kept small: per subnet one array with scale and shift of each
 * normalization that runs there, over the channels in use. With hundreds of subnets this is most of what a subnet
 * costs, so nothing else is kept of its statistics.
 */
import { activeNorms, type HostedSubnet } from '../norms.js';
import { scaleShift } from '../subnet-norm.js';
import type { Supernet } from '../supernet.js';

/** Scale and shift of one subnet's normalizations, by name (normName), as long as the channels in use there. */
export type Affine = ReadonlyMap<string, { readonly scale: Float32Array; readonly shift: Float32Array }>;

export interface CompactAffine {
  /** The normalizations in order, each with its channels. */
  readonly norms: readonly (readonly [string, number])[];
  /** For each normalization its scales and then its shifts. */
  readonly values: Float32Array;
}

export function compactAffine(supernet: Supernet, subnet: HostedSubnet): CompactAffine {
  const active = activeNorms(supernet, subnet.config);
  const values = new Float32Array(2 * active.reduce((sum, { channels }) => sum + channels, 0));
  // Statistics may be decoded each time they are read.
  const own = { config: subnet.config, statistics: subnet.statistics };
  let at = 0;
  for (const { node, channels } of active) {
    const known = scaleShift(supernet, node, own);
    if (known !== undefined) {
      values.set(known.scale, at);
      values.set(known.shift, at + channels);
    }
    at += 2 * channels;
  }
  return { norms: active.map(({ name, channels }) => [name, channels] as const), values };
}

/** Views of the compact form, by normalization. */
export function readAffine({ norms, values }: CompactAffine): Affine {
  let at = 0;
  return new Map(
    norms.map(([name, channels]) => {
      const [scale, shift] = [values.subarray(at, at + channels), values.subarray(at + channels, at + 2 * channels)];
      at += 2 * channels;
      return [name, { scale, shift }] as const;
    }),
  );
}
