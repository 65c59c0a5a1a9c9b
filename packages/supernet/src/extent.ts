/**
 * Sizes that change with the subnet: how much of an axis a configuration leaves.
 *
 * An extent is a row of parts, each all of its entries or the first ones of a group's channels. Most axes have one
 * part; concatenation puts several in a row, so that what a subnet leaves is no prefix but a few ranges.
 */
import { SupernetError } from './errors.js';
import type { SubnetConfig } from './spec.js';

/**
 * A stretch of an axis. Without a group it always has `full` entries. With one, a subnet has the first
 * `config[group] / unit * per` of them: `per` counts the entries that belong to `unit` channels (`per` > 1 after
 * flattening [n, c, h, w] to [n, c*h*w]; `unit` 16 on the axis of heads, each made of 16 channels).
 */
export interface Part {
  readonly group: string | undefined;
  readonly full: number;
  readonly per: number;
  readonly unit: number;
}

/** Parts in a row; `full` is their sum. Two fixed parts never lie next to each other, and none is empty. */
export interface Extent {
  readonly full: number;
  readonly parts: readonly Part[];
}

/** Entries `begin` to `begin + size` of an axis of the largest subnet. */
export interface Range {
  readonly begin: number;
  readonly size: number;
}

/** More parts than that in one axis are no network that was trained, and would make graphs of any size. */
const MAX_PARTS = 1024;
/** More sizes than that of one axis are not told apart. */
const MAX_SIZES = 1024;

export function fixed(full: number): Extent {
  return { full, parts: [{ group: undefined, full, per: 1, unit: 1 }] };
}

/** All channels of a group, `times` times over. */
export function ofGroup(group: string, full: number, times = 1): Extent {
  const part: Part = { group, full, per: 1, unit: 1 };
  return { full: full * times, parts: Array.from({ length: times }, () => part) };
}

export function isElastic({ parts }: Extent): boolean {
  return parts.some(({ group }) => group !== undefined);
}

/** The part, of a group or fixed, if the extent is made of one alone: a subnet leaves a prefix of the axis, or all. */
export function onlyPart({ parts }: Extent): Part | undefined {
  return parts.length === 1 ? parts[0] : undefined;
}

/** The extents one after the other. @throws SupernetError `unsupported-model` for an absurd number of parts */
export function inARow(extents: readonly Extent[]): Extent {
  const parts: Part[] = [];
  for (const extent of extents) {
    for (const part of extent.parts) {
      const last = parts.at(-1);
      if (last !== undefined && last.group === undefined && part.group === undefined) {
        parts[parts.length - 1] = { ...last, full: last.full + part.full };
      } else parts.push(part);
    }
    checkParts(parts.length);
  }
  return { full: extents.reduce((sum, extent) => sum + extent.full, 0), parts };
}

/** The extent `times` times in a row. @throws SupernetError `unsupported-model` for an absurd number of parts */
export function repeated({ full, parts }: Extent, times: number): Extent {
  checkParts(parts.length * times);
  return { full: full * times, parts: Array.from({ length: times }, () => parts).flat() };
}

function checkParts(count: number): void {
  if (count <= MAX_PARTS) return;
  throw new SupernetError('unsupported-model', `An axis would be made of more than ${MAX_PARTS} parts.`);
}

/** Every entry `times` times. */
export function scaled({ full, parts }: Extent, times: number): Extent {
  return { full: full * times, parts: parts.map((part) => reduced({ ...part, full: part.full * times }, times, 1)) };
}

/**
 * Whole runs of `size` entries counted as one each, as on the axis of heads; undefined where some subnet would end
 * inside a run. `sizesOf` gives the sizes that a group may take.
 */
export function runsOf(
  { full, parts }: Extent,
  size: number,
  sizesOf: (group: string) => readonly number[],
): Extent | undefined {
  const counted = parts.map((part) => reduced({ ...part, full: part.full / size }, 1, size));
  const whole = counted.every(({ group, full: count, unit }) => {
    return (
      Number.isInteger(count) && (group === undefined || sizesOf(group).every((channels) => channels % unit === 0))
    );
  });
  return whole ? { full: full / size, parts: counted } : undefined;
}

function reduced(part: Part, times: number, over: number): Part {
  if (part.group === undefined) return part;
  const [per, unit] = [part.per * times, part.unit * over];
  const common = greatestCommonDivisor(per, unit);
  return { ...part, per: per / common, unit: unit / common };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

export function samePart(a: Part, b: Part): boolean {
  return a.group === b.group && a.full === b.full && a.per === b.per && a.unit === b.unit;
}

export function sameExtent(a: Extent, b: Extent): boolean {
  return a.parts.length === b.parts.length && a.parts.every((part, i) => samePart(part, b.parts[i] ?? part));
}

/** The size of a part in a subnet. @throws SupernetError `invalid-config` when the configuration leaves the group out */
export function partSize(config: SubnetConfig, { group, full, per, unit }: Part): number {
  if (group === undefined) return full;
  const size = config[group];
  if (size === undefined) throw new SupernetError('invalid-config', `The configuration leaves out ${group}.`);
  return (size / unit) * per;
}

/** The size that `extent` has in a subnet. */
export function sizeIn(config: SubnetConfig, { parts }: Extent): number {
  return parts.reduce((sum, part) => sum + partSize(config, part), 0);
}

/** All sizes that an extent can have, ascending; undefined when there are too many to tell apart. */
export function possibleSizes({ parts }: Extent, sizesOf: (group: string) => readonly number[]): number[] | undefined {
  const groups = [...new Set(parts.flatMap(({ group }) => group ?? []))];
  let configs: SubnetConfig[] = [{}];
  for (const group of groups) {
    configs = configs.flatMap((config) => sizesOf(group).map((size) => ({ ...config, [group]: size })));
    if (configs.length > MAX_SIZES) return undefined;
  }
  const sizes = new Set(configs.map((config) => parts.reduce((sum, part) => sum + partSize(config, part), 0)));
  return [...sizes].sort((a, b) => a - b);
}

/** The numbers of a list in which some are sizes. */
export function sizesIn(config: SubnetConfig, sizes: readonly (number | Extent)[]): number[] {
  return sizes.map((size) => (typeof size === 'number' ? size : sizeIn(config, size)));
}

/** What a subnet keeps of the axis: ranges of the largest subnet's entries, those that touch joined into one. */
export function rangesIn(config: SubnetConfig, { parts }: Extent): Range[] {
  const ranges: Range[] = [];
  let begin = 0;
  for (const part of parts) {
    const size = partSize(config, part);
    const last = ranges.at(-1);
    if (last !== undefined && last.begin + last.size === begin) {
      ranges[ranges.length - 1] = { begin: last.begin, size: last.size + size };
    } else ranges.push({ begin, size });
    begin += part.full;
  }
  return ranges;
}

/** Says a size the way an error message should: `width1 (up to 64)`, `64`, or `16 + width1 (up to 64)`. */
export function describe({ full, parts }: Extent): string {
  if (parts.length > 8) return `${parts.length} parts (up to ${full})`;
  return parts.map((part) => (part.group === undefined ? part.full : `${part.group} (up to ${part.full})`)).join(' + ');
}
