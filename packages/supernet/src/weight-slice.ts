/**
 * WeightSlice: what a subnet uses of a shared parameter, cut out by plain ONNX operators as the control inputs say; and
 * the sizes themselves as tensors.
 */
import { type Extent, isElastic, type Part, samePart } from './extent.js';
import type { Scope } from './graph-builder.js';
import { int64Tensor } from './onnx/model.js';
import type { Cut } from './ops/handler.js';

/** Name of the control input of a group. */
export function controlName(group: string): string {
  return `slackline.${group}`;
}

/** A size that the control inputs decide, as an int64 tensor of shape [1]. */
export function sizeInput(extent: Extent, scope: Scope<string>): string {
  const [first = '', ...others] = extent.parts.map((part) => partInput(part, scope));
  return others.reduce((sum, size) => {
    return scope.once(`${sum}+${size}`, () => scope.add('Add', [sum, size], 'size'));
  }, first);
}

function partInput({ group, full, per, unit }: Part, scope: Scope<string>): string {
  if (group === undefined) return one(full, scope);
  const counted = (name: string, op: 'Div' | 'Mul', by: number): string =>
    by === 1 ? name : scope.once(`${name} ${op} ${by}`, () => scope.add(op, [name, one(by, scope)], `${group}/size`));
  return counted(counted(controlName(group), 'Div', unit), 'Mul', per);
}

/** A list of sizes, some of which follow the subnet, as an int64 tensor. */
export function sizesInput(sizes: readonly (number | Extent)[], scope: Scope<string>): string {
  const entries = sizes.map((size) => (typeof size === 'number' ? one(size, scope) : sizeInput(size, scope)));
  return scope.once(`list ${entries}`, () => scope.add('Concat', entries, 'sizes', { axis: 0 }));
}

/** What is left of `data`, a constant of those sizes. */
export function slice(data: string, dims: readonly number[], cuts: readonly Cut[], scope: Scope<string>): string {
  const elastic = cuts.filter(({ extent }) => isElastic(extent));
  const several = elastic.filter(({ extent }) => runsIn(extent).length > 1);
  let left = data;
  let sizes = [...dims];
  for (const { axis, extent } of several) {
    left = isRepetition(extent) ? ofEach(left, sizes, axis, extent, scope) : joined(left, axis, extent, scope);
    sizes = sizes.with(axis, -1);
  }
  const prefixes = elastic.filter((cut) => !several.includes(cut));
  if (prefixes.length === 0) return left;
  const ends = prefixes.map(({ extent }) => extent);
  return slicedTo(
    left,
    prefixes.map(({ axis }) => axis),
    ends.map(() => one(0, scope)),
    ends.map((extent) => sizeInput(extent, scope)),
    scope,
  );
}

/** The first `size` entries of a tensor's first axis. */
export function sliceTo(data: string, size: string, scope: Scope<string>): string {
  return slicedTo(data, [0], [one(0, scope)], [size], scope);
}

/** Slice of one or more axes; `from` and `to` have an int64 tensor of shape [1] for each. */
function slicedTo(data: string, axes: number[], from: string[], to: string[], scope: Scope<string>): string {
  const list = (names: string[]): string => {
    const [only = ''] = names;
    return names.length === 1
      ? only
      : scope.once(`list ${names}`, () => scope.add('Concat', names, 'bounds', { axis: 0 }));
  };
  const along = scope.once(`axes ${axes}`, () => scope.constant('axes', int64Tensor([axes.length], axes)));
  return scope.add('Slice', [data, list(from), list(to), along], `${data}/used`);
}

/** Parts that are left without a gap: each run ends with an elastic part, or the axis does. */
function runsIn({ parts }: Extent): Extent[] {
  const runs: Extent[] = [];
  let open: Part[] = [];
  for (const [i, part] of parts.entries()) {
    open.push(part);
    if (part.group === undefined && i < parts.length - 1) continue;
    runs.push({ full: open.reduce((sum, { full }) => sum + full, 0), parts: open });
    open = [];
  }
  return runs;
}

/** Each run of the axis sliced by itself, and put together. */
function joined(data: string, axis: number, extent: Extent, scope: Scope<string>): string {
  let begin = 0;
  const pieces = runsIn(extent).map((run) => {
    const from = one(begin, scope);
    const size = sizeInput(run, scope);
    const to = begin === 0 ? size : scope.once(`${from}+${size}`, () => scope.add('Add', [from, size], 'end'));
    begin += run.full;
    return slicedTo(data, [axis], [from], [to], scope);
  });
  return scope.add('Concat', pieces, `${data}/used`, { axis });
}

function isRepetition({ parts }: Extent): boolean {
  const [first] = parts;
  return first !== undefined && parts.every((part) => samePart(part, first));
}

/** An axis of equal parts: viewed as [parts, part], it needs one slice. */
function ofEach(data: string, dims: readonly number[], axis: number, extent: Extent, scope: Scope<string>): string {
  const [part] = extent.parts;
  if (part === undefined) return data;
  const shape = (sizes: number[]) => scope.constant(`${data}/shape`, int64Tensor([sizes.length], sizes));
  const around = (...sizes: number[]) => shape([...dims.slice(0, axis), ...sizes, ...dims.slice(axis + 1)]);
  if (dims.includes(-1)) return joined(data, axis, extent, scope);
  const apart = scope.add('Reshape', [data, around(extent.parts.length, part.full)], `${data}/parts`);
  const end = sizeInput({ full: part.full, parts: [part] }, scope);
  const left = slicedTo(apart, [axis + 1], [one(0, scope)], [end], scope);
  return scope.add('Reshape', [left, around(-1)], `${data}/used`);
}

function one(value: number, scope: Scope<string>): string {
  return scope.once(`one ${value}`, () => scope.constant(`${value}`, int64Tensor([1], [value])));
}
