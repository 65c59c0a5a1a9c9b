/** Operators that take tensors apart and put them together: concatenation, split, slice, gather, expand. */
import { type Axis, axis, describeAxis, fixedAxis, hasRows, isFixed, sameAxis, sizeForOneRow } from '../axes.js';
import { SupernetError } from '../errors.js';
import { describe, type Extent, inARow, isElastic } from '../extent.js';
import { int64Tensor, makeNode, type Node } from '../onnx/model.js';
import {
  attribute,
  axisIndex,
  constantInput,
  extentAt,
  type Follower,
  integerInput,
  label,
  type OpHandler,
  tensorInfo,
  unsupported,
} from './handler.js';
import { sliceBounds } from './strided.js';

/** "To the end", for Slice. */
const END = Number.MAX_SAFE_INTEGER;

/** Groups stay whole: what they have in common along the axis is nothing but the order. */
export const concat: OpHandler = (node, follower) => {
  const infos = node.inputs.map((name) => follower.info(name));
  const [first] = infos;
  if (first === undefined) throw unsupported(node, 'it has no inputs');
  const along = axisIndex(node, attribute(node, 'axis', 'int', 0), first.axes.length);
  for (const [k, info] of infos.entries()) {
    if (info.axes.length !== first.axes.length) {
      throw unsupported(node, `it joins shapes [${first.dims}] and [${info.dims}]`);
    }
    for (const [i, factors] of info.axes.entries()) {
      const other = first.axes[i] ?? [];
      if (i === along || sameAxis(factors, other)) continue;
      if (isFixed(factors) && isFixed(other)) {
        throw unsupported(node, `it joins shapes [${first.dims}] and [${info.dims}]`);
      }
      throw new SupernetError(
        'invalid-spec',
        `${label(node)} joins ${node.inputs[0]} with ${describeAxis(other)} along axis ${i} and ${node.inputs[k]} ` +
          `with ${describeAxis(factors)}: the two can disagree.`,
      );
    }
  }
  const whole = inARow(infos.map((info) => extentAt(node, info, along)));
  follower.produce(node.outputs[0], tensorInfo(first.type, first.axes.with(along, axis(whole))));
  return node;
};

/** Where an extent can be cut in every subnet: the numbers of parts before a place in the largest; see `stretch`. */
function partsBefore({ parts }: Extent, place: number): number | undefined {
  let sum = 0;
  for (const [i, part] of parts.entries()) {
    if (sum === place) return i;
    sum += part.full;
  }
  return sum === place ? parts.length : undefined;
}

/** Entries `begin` to `end` of an extent, which must be whole parts where it is elastic. */
function stretch(node: Node, extent: Extent, begin: number, end: number): { before: Extent; kept: Extent } {
  const cutAt = (from: number, to: number): Extent => {
    const [a, b] = [partsBefore(extent, from), partsBefore(extent, to)];
    if (a === undefined || b === undefined || (to <= from && to > 0)) {
      throw new SupernetError(
        'invalid-spec',
        `${label(node)} takes ${begin} to ${end} of ${describe(extent)}, which cuts through a group.`,
      );
    }
    return { full: to - from, parts: extent.parts.slice(a, b) };
  };
  if (!isElastic(extent)) return { before: whole(begin), kept: whole(end - begin) };
  return { before: cutAt(0, begin), kept: cutAt(begin, end) };
}

function whole(full: number): Extent {
  return { full, parts: full === 0 ? [] : [{ group: undefined, full, per: 1, unit: 1 }] };
}

function entry(extent: Extent): number | Extent {
  return isElastic(extent) ? extent : extent.full;
}

export const split: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  const along = axisIndex(node, attribute(node, 'axis', 'int', 0), info.axes.length);
  const extent = extentAt(node, info, along);
  const count = node.outputs.length;
  const equal = Math.ceil(extent.full / count);
  const sizes = node.inputs[1]
    ? integerInput(node, 1, follower)
    : Array.from({ length: count }, (_, i) => Math.min(equal, extent.full - i * equal));
  const sum = sizes.reduce((all, size) => all + size, 0);
  if (sizes.length !== count || sum !== extent.full || sizes.some((size) => !(size > 0))) {
    throw unsupported(node, `it splits ${extent.full} into [${sizes}]`);
  }
  let begin = 0;
  const kept = sizes.map((size, k) => {
    const piece = stretch(node, extent, begin, begin + size).kept;
    follower.produce(node.outputs[k], tensorInfo(info.type, info.axes.with(along, axis(piece))));
    begin += size;
    return piece;
  });
  const name = follower.addConstant(`${node.outputs[0]}/sizes`, int64Tensor([count], sizes));
  const attributes = { axis: { kind: 'int' as const, value: along } };
  const used: Node = { ...node, inputs: [node.inputs[0] ?? '', name], attributes };
  if (kept.some(isElastic)) follower.sized(used, 1, kept.map(entry));
  return used;
};

export const slice: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  const [starts, ends] = [1, 2].map((index) => follower.known(node.inputs[index])?.values);
  if (starts === undefined || ends?.length !== starts.length || starts.length > info.axes.length) {
    throw unsupported(node, 'its bounds cannot be worked out');
  }
  const axes = node.inputs[3] ? integerInput(node, 3, follower) : [...starts.keys()];
  const steps = node.inputs[4] ? integerInput(node, 4, follower) : starts.map(() => 1);
  const out = [...info.axes];
  const bounds = { starts: [] as (number | Extent)[], ends: [] as (number | Extent)[] };
  const along = starts.map((start, k) => {
    const i = axisIndex(node, axes[k] ?? 0, info.axes.length);
    const [end, step, factors] = [ends[k] ?? start, steps[k] ?? 1, info.axes[i] ?? []];
    const size = sizeForOneRow(factors);
    const found = sliceBounds(size, start.n, end.n, step);
    const all = found?.[0] === 0 && found[1] === size && step === 1 && !start.rows;
    if (hasRows(factors) && !(all && (end.rows || end.n >= END))) throw unsupported(node, 'it slices the batch');
    if (found === undefined || found[1] <= found[0]) throw unsupported(node, `its bounds leave nothing of axis ${i}`);
    if (all) {
      bounds.starts.push(0);
      bounds.ends.push(END);
      return i;
    }
    const extent = extentAt(node, info, i);
    if (start.rows || end.rows || (isElastic(extent) && step !== 1))
      throw unsupported(node, `it slices axis ${i} oddly`);
    const { before, kept } = stretch(node, extent, found[0], found[1]);
    bounds.starts.push(entry(before));
    bounds.ends.push(found[1] === size ? END : entry(inARow([before, kept])));
    out[i] = isElastic(extent) ? axis(kept) : fixedAxis(Math.ceil((found[1] - found[0]) / step));
    return i;
  });
  const constant = (what: string, values: (number | Extent)[]): string => {
    const largest = values.map((value) => (typeof value === 'number' ? value : value.full));
    return follower.addConstant(`${node.outputs[0]}/${what}`, int64Tensor([largest.length], largest));
  };
  const lists = [constant('starts', bounds.starts), constant('ends', bounds.ends)];
  const used: Node = {
    ...node,
    inputs: [node.inputs[0] ?? '', ...lists, constant('axes', along), constant('steps', steps)],
  };
  for (const [index, list] of [bounds.starts, bounds.ends].entries()) {
    if (list.some((value) => typeof value !== 'number')) follower.sized(used, index + 1, list);
  }
  follower.produce(node.outputs[0], tensorInfo(info.type, out));
  return used;
};

/** Some positions of an axis that no subnet shrinks (the class token, one of query, key and value), or an embedding. */
export const gather: OpHandler = (node, follower) => {
  if (follower.constant(node.inputs[0]) !== undefined) return embedding(node, follower);
  const info = follower.info(node.inputs[0]);
  const along = axisIndex(node, attribute(node, 'axis', 'int', 0), info.axes.length);
  const index = constantInput(node, 1, follower);
  const positions = (follower.known(node.inputs[1])?.values ?? []).map(({ n }) => n);
  const factors = info.axes[along] ?? [];
  if (!isFixed(factors)) {
    throw unsupported(node, `it picks positions of an axis of ${describeAxis(factors)}, which can be fewer`);
  }
  const size = info.dims[along] ?? 0;
  if (index.dims.length > 1 || positions.some((at) => !(at >= -size && at < size))) {
    throw unsupported(node, `it picks positions [${positions.slice(0, 8)}] of ${size}`);
  }
  const picked: Axis[] = index.dims.length === 0 ? [] : [fixedAxis(positions.length)];
  const axes = [...info.axes.slice(0, along), ...picked, ...info.axes.slice(along + 1)];
  follower.produce(node.outputs[0], tensorInfo(info.type, axes));
  return node;
};

/** A table of vectors, one of which every computed index picks. */
function embedding(node: Node, follower: Follower): Node {
  const table = constantInput(node, 0, follower);
  const index = follower.info(node.inputs[1]);
  if (table.dims.length !== 2 || attribute(node, 'axis', 'int', 0) !== 0) {
    throw unsupported(node, `it picks of a constant of shape [${table.dims}]`);
  }
  const out = follower.layerOutput(node.inputs[0] ?? '', table.dims[1] ?? 0);
  follower.cut(node, 0, [{ axis: 1, extent: out }]);
  follower.produce(node.outputs[0], tensorInfo(table.type, [...index.axes, axis(out)]));
  return node;
}

/** A constant (a class token) or a tensor repeated, once for each row of the batch too. */
export const expand: OpHandler = (node, follower) => {
  const shape = follower.known(node.inputs[1]);
  if (shape === undefined || shape.dims.length !== 1) throw unsupported(node, 'its shape cannot be worked out');
  const constant = follower.constant(node.inputs[0]);
  const [name = '', output = ''] = [node.inputs[0], node.outputs[0]];
  const own = constant === undefined ? follower.info(name).axes : constantAxes(node, follower);
  const rank = Math.max(own.length, shape.values.length);
  const wanted = Array.from({ length: rank }, (_, i) => shape.values[i - rank + shape.values.length]);
  const axes = wanted.map((size, i): Axis => {
    const factors = own[i - rank + own.length] ?? [];
    const n = sizeForOneRow(factors);
    if (size === undefined || (size.n === 1 && !size.rows)) return factors;
    if (factors.length > 0 && size.n === n && size.rows === hasRows(factors)) return factors;
    if (factors.length > 0 || !(size.n > 0) || (size.rows && size.n !== 1)) {
      throw unsupported(node, `it expands ${describeAxis(factors)} to ${size.n}${size.rows ? ' * rows' : ''}`);
    }
    return size.rows ? axis('rows') : fixedAxis(size.n);
  });
  follower.produce(output, tensorInfo(constant?.type ?? follower.info(name).type, axes));
  // Repetition never shrinks what is there already, so the shape says 1 for every axis that stays.
  const entries = axes.map((factors, i) =>
    own[i - rank + own.length]?.length ? 1 : hasRows(factors) ? 'rows' : sizeForOneRow(factors),
  );
  return withRows(node, entries, cutConstant, follower);

  function cutConstant(used: Node): void {
    if (constant === undefined) return;
    const last = constant.dims.length - 1;
    const extent = follower.layerOutput(name, constant.dims[last] ?? 1);
    if (isElastic(extent)) follower.cut(used, 0, [{ axis: last, extent }]);
  }
};

function constantAxes(node: Node, follower: Follower): Axis[] {
  const { dims } = constantInput(node, 0, follower);
  const last = dims.length - 1;
  return dims.map((count, i) =>
    i === last ? axis(follower.layerOutput(node.inputs[0] ?? '', count)) : fixedAxis(count),
  );
}

/** The node with a shape of these entries, where the rows of the batch are read from the graph's input as it runs. */
function withRows(
  node: Node,
  entries: readonly (number | 'rows')[],
  record: (used: Node) => void,
  follower: Follower,
): Node[] {
  const [output = ''] = node.outputs;
  const list = (what: string, values: number[]): string =>
    follower.addConstant(`${output}/${what}`, int64Tensor([values.length], values));
  const at = entries.indexOf('rows');
  const numbers = entries.map((value) => (value === 'rows' ? 1 : value));
  if (at === -1) {
    const used = { ...node, inputs: [node.inputs[0] ?? '', list('sizes', numbers)] };
    record(used);
    return [used];
  }
  const [all, rows, shape] = [`${output}/all`, `${output}/rows`, `${output}/sizes`];
  const around = [numbers.slice(0, at), numbers.slice(at + 1)].map((values, i) =>
    values.length === 0 ? [] : [list(i === 0 ? 'before' : 'after', values)],
  );
  const [before = [], after = []] = around;
  const used = { ...node, inputs: [node.inputs[0] ?? '', shape] };
  record(used);
  return [
    makeNode('Shape', [follower.input], [all]),
    makeNode('Slice', [all, list('first', [0]), list('second', [1])], [rows]),
    makeNode('Concat', [...before, rows, ...after], [shape], { axis: 0 }),
    used,
  ];
}
