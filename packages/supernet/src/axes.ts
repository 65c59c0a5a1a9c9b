/**
 * Axes of computed tensors, and how a reshape regroups them.
 *
 * An axis is a product of factors, outermost first: the rows of a batch, and extents. Nearly every axis has one factor;
 * `view(batch * heads, tokens, 16)` makes one of two. A reshape changes no order of elements, so it only groups the
 * factors anew, and may split one. That holds in every subnet alike, whatever numbers the largest wrote into the file.
 */
import { describe, type Extent, fixed, isElastic, repeated, runsOf, sameExtent, samePart, scaled } from './extent.js';

/** More axes than any network has, and each costs work. */
export const MAX_RANK = 12;

/** The rows of a batch: the one size that is known only at run time. */
export const ROWS = -1;

export type Factor = 'rows' | Extent;

/** No factor at all: an axis of size 1. */
export type Axis = readonly Factor[];

/** A size that a graph asks for: `n`, or `n` times the rows of the batch. */
export interface Size {
  readonly n: number;
  readonly rows: boolean;
}

export function axis(...factors: Factor[]): Axis {
  const out: Factor[] = [];
  for (const factor of factors.flatMap(unrolled)) {
    const last = out.at(-1);
    if (factor === 'rows' || last === undefined || last === 'rows') out.push(factor);
    else if (isElastic(factor)) out.push(factor);
    else out[out.length - 1] = isElastic(last) ? scaled(last, factor.full) : fixed(last.full * factor.full);
  }
  return out;
}

export function fixedAxis(size: number): Axis {
  return axis(fixed(size));
}

/** Nothing for size 1 (no subnet can have less), and `k` equal parts written as `k` times one. */
function unrolled(factor: Factor): Factor[] {
  if (factor === 'rows') return [factor];
  if (factor.full === 1) return [];
  const [first, ...others] = factor.parts;
  if (first?.group === undefined || others.length === 0 || !others.every((part) => samePart(part, first))) {
    return [factor];
  }
  return [fixed(factor.parts.length), { full: first.full, parts: [first] }];
}

/** Its size in the largest subnet, or ROWS where the batch has part in it. */
export function sizeOf(factors: Axis): number {
  return hasRows(factors) ? ROWS : sizeForOneRow(factors);
}

/** Its size in the largest subnet, for a batch of one row. */
export function sizeForOneRow(factors: Axis): number {
  return factors.reduce((product, factor) => product * (factor === 'rows' ? 1 : factor.full), 1);
}

export function hasRows(factors: Axis): boolean {
  return factors.includes('rows');
}

/** The groups that its size follows. */
export function groupsAlong(factors: Axis): string[] {
  const parts = factors.flatMap((factor) => (factor === 'rows' ? [] : factor.parts));
  return [...new Set(parts.flatMap(({ group }) => group ?? []))];
}

export function isFixed(factors: Axis): boolean {
  return factors.every((factor) => factor !== 'rows' && !isElastic(factor));
}

export function sameAxis(a: Axis, b: Axis): boolean {
  return a.length === b.length && a.every((factor, i) => sameFactor(factor, b[i]));
}

function sameFactor(a: Factor, b: Factor | undefined): boolean {
  if (a === 'rows' || b === 'rows' || b === undefined) return a === b;
  return sameExtent(a, b);
}

/** The axis as one extent; undefined when the batch has part in it, or two elastic factors. */
export function extentOf(factors: Axis): Extent | undefined {
  let inner = fixed(1);
  for (const factor of [...factors].reverse()) {
    if (factor === 'rows') return undefined;
    if (!isElastic(inner)) inner = scaled(factor, inner.full);
    else if (isElastic(factor)) return undefined;
    else inner = repeated(inner, factor.full);
  }
  return inner;
}

export function describeAxis(factors: Axis): string {
  if (factors.length === 0) return '1';
  return factors.map((factor) => (factor === 'rows' ? 'rows' : describe(factor))).join(' * ');
}

/**
 * The axes of `from` regrouped into axes of the sizes `to` (of the largest subnet, -1 and 0 already resolved).
 * @returns a sentence without its end that says why, where that cannot be done in every subnet
 */
export function regroup(
  from: readonly Axis[],
  to: readonly Size[],
  sizesOf: (group: string) => readonly number[],
): Axis[] | string {
  const left: Factor[] = from.flat().reverse();
  const axes: Axis[] = [];
  for (const size of to) {
    const taken: Factor[] = [];
    let { n, rows } = size;
    while (n > 1 || rows) {
      const next = left.pop();
      if (next === undefined) return 'the sizes do not fit';
      if (next === 'rows') {
        if (!rows) return 'the rows of the batch would be mixed with other axes';
        rows = false;
        taken.push(next);
      } else if (n % next.full === 0) {
        n /= next.full;
        taken.push(next);
      } else if (n > 1 && next.full % n === 0) {
        const inner = next.full / n;
        const outer = runsOf(next, inner, sizesOf);
        if (outer === undefined) return `${describe(next)} cannot be split into runs of ${inner} in every subnet`;
        taken.push(outer);
        left.push(fixed(inner));
        n = 1;
      } else return `it cuts across an axis of ${describe(next)}`;
    }
    axes.push(axis(...taken));
  }
  return left.length === 0 ? axes : 'the sizes do not fit';
}
