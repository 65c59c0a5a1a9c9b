/** Operators that view a tensor otherwise: reshape, flatten, transpose, axes of size 1. */
import {
  type Axis,
  axis,
  describeAxis,
  extentOf,
  fixedAxis,
  groupsAlong,
  hasRows,
  isFixed,
  MAX_RANK,
  regroup,
  type Size,
  sameAxis,
  sizeForOneRow,
} from '../axes.js';
import { SupernetError } from '../errors.js';
import { type Extent, isElastic } from '../extent.js';
import { int64Tensor, makeNode, type Node } from '../onnx/model.js';
import {
  attribute,
  axisIndex,
  integerInput,
  label,
  listOf,
  type OpHandler,
  type TensorInfo,
  tensorInfo,
  unsupported,
} from './handler.js';
import type { Known } from './known.js';

export const flatten: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  const at = attribute(node, 'axis', 'int', 1);
  const begin = at === info.axes.length ? at : axisIndex(node, at, info.axes.length);
  const [outer, inner] = [info.axes.slice(0, begin), info.axes.slice(begin)].map((axes) => axis(...axes.flat()));
  follower.produce(node.outputs[0], tensorInfo(info.type, [outer ?? [], inner ?? []]));
  return node;
};

/**
 * A reshape names the largest subnet's sizes. What it means is found by regrouping the axes, and written so that it
 * holds for every subnet: with 0 (as it was) and -1 (what is left) where these suffice, else with sizes that follow
 * the subnet.
 */
export const reshape: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  const shape = follower.known(node.inputs[1]);
  if (shape === undefined || shape.dims.length !== 1 || shape.values.length > MAX_RANK) {
    throw unsupported(node, `its shape ${node.inputs[1] || '(none)'} cannot be worked out`);
  }
  const wanted = shape.values.map(({ n, rows }): Size => ({ n, rows }));
  const sizes = resolve(wanted, info, attribute(node, 'allowzero', 'int', 0) === 1);
  const axes = sizes && regroup(info.axes, sizes, (group) => follower.sizesOf(group));
  if (axes === undefined || typeof axes === 'string') {
    const elastic = info.axes.some((factors) => factors.some((f) => f !== 'rows' && isElastic(f)));
    const [from, to] = [info.axes.map(describeAxis), wanted.map(({ n, rows }) => (rows ? `${n} * rows` : n))];
    throw new SupernetError(
      elastic ? 'invalid-spec' : 'unsupported-model',
      `${label(node)} takes [${from}] to [${to.join(',')}]: ${axes ?? 'the sizes do not fit'}.`,
    );
  }
  checkMeant(node, info, shape, axes);
  const [rows = []] = axes;
  if (axes.length === 2 && sameAxis(rows, info.axes[0] ?? []) && hasRows(rows)) {
    return flatten({ ...makeNode('Flatten', node.inputs.slice(0, 1), node.outputs), name: node.name }, follower);
  }
  const entries = portableShape(node, info.axes, axes);
  const largest = entries.map((entry) => (typeof entry === 'number' ? entry : entry.full));
  const name = follower.addConstant(`${node.outputs[0]}/shape`, int64Tensor([largest.length], largest));
  const used: Node = { ...node, inputs: [node.inputs[0] ?? '', name], attributes: {} };
  if (entries.some((entry) => typeof entry !== 'number')) follower.sized(used, 1, entries);
  follower.produce(node.outputs[0], tensorInfo(info.type, axes));
  return used;
};

/**
 * The largest subnet's sizes do not say which part of a split axis shrinks, the number of heads or their size. Where the
 * graph works one out of the axis itself, that one would shrink if the graph were run on a smaller tensor.
 * @throws SupernetError `invalid-spec` where the regrouped axes say otherwise
 */
function checkMeant(node: Node, info: TensorInfo, shape: Known, axes: readonly Axis[]): void {
  const split = groupsAlong(info.axes.flat());
  const wrong = axes.findIndex((factors, i) => {
    return isFixed(factors) && shape.values[i]?.groups.some((group) => split.includes(group));
  });
  if (wrong === -1) return;
  const [from, to] = [info.axes.map(describeAxis), axes.map(describeAxis)];
  throw new SupernetError(
    'invalid-spec',
    `${label(node)} takes [${from}] to [${to}], where axis ${wrong} is worked out of a size that changes with the ` +
      'subnet, so that it cannot be told which axis shrinks. Write it as a number if it stays.',
  );
}

/** The sizes with 0 and -1 resolved; undefined if they cannot be. */
function resolve(wanted: readonly Size[], { axes }: TensorInfo, zeroIsZero: boolean): Size[] | undefined {
  const measured = axes.map(sizeAsWhole);
  const copied = wanted.map((size, i) => (size.n === 0 && !zeroIsZero ? measured[i] : size));
  const open = copied.filter((size) => size?.n === -1).length;
  const known = copied.filter((size): size is Size => size !== undefined && size.n !== -1);
  if (open > 1 || copied.includes(undefined) || known.some(({ n }) => !(n > 0))) return undefined;
  const [all, given] = [total(measured), total(known)];
  const rest: Size = { n: all.n / given.n, rows: all.rows && !given.rows };
  if (!Number.isInteger(rest.n) || rest.n < 1) return undefined;
  return copied.map((size) => (size === undefined || size.n === -1 ? rest : size));
}

function sizeAsWhole(factors: Axis): Size {
  return { n: sizeForOneRow(factors), rows: hasRows(factors) };
}

function total(sizes: readonly Size[]): Size {
  return sizes.reduce((all, { n, rows }) => ({ n: all.n * n, rows: all.rows || rows }), { n: 1, rows: false });
}

/** A shape for Reshape that is right in every subnet and for every batch. */
function portableShape(node: Node, from: readonly Axis[], to: readonly Axis[]): (number | Extent)[] {
  const batch = to.findIndex((factors, i) => hasRows(factors) && !sameAxis(factors, from[i] ?? []));
  let open = batch === -1;
  return to.map((factors, i): number | Extent => {
    const extent = extentOf(factors);
    const before = from[i];
    if (extent !== undefined && !isElastic(extent)) return extent.full;
    if (before !== undefined && sameAxis(factors, before)) return 0;
    if (!open && i !== batch) {
      if (extent === undefined) throw unsupported(node, `it merges ${describeAxis(factors)} into one axis`);
      return extent;
    }
    open = false;
    return -1;
  });
}

export const transpose: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  const perm = attribute(
    node,
    'perm',
    'ints',
    info.axes.map((_, i) => info.axes.length - 1 - i),
  );
  if (perm.length !== info.axes.length || new Set(perm).size !== perm.length) {
    throw unsupported(node, `its order [${perm}] does not fit [${info.dims}]`);
  }
  const axes = perm.map((from) => info.axes[axisIndex(node, from, info.axes.length)] ?? []);
  follower.produce(node.outputs[0], tensorInfo(info.type, axes));
  return node;
};

export const squeeze: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  const given = listOf(node, 'axes', 1, follower)?.map((at) => axisIndex(node, at, info.axes.length));
  const gone = new Set(given ?? [...info.axes.keys()].filter((i) => info.axes[i]?.length === 0));
  for (const i of gone) {
    if (info.axes[i]?.length !== 0) throw unsupported(node, `axis ${i} of [${info.dims}] is not of size 1`);
  }
  follower.produce(
    node.outputs[0],
    tensorInfo(
      info.type,
      info.axes.filter((_, i) => !gone.has(i)),
    ),
  );
  return node;
};

export const unsqueeze: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  const axes = listOf(node, 'axes', 1, follower) ?? [];
  const rank = info.axes.length + axes.length;
  if (rank > MAX_RANK) throw unsupported(node, `it makes ${rank} axes`);
  const added = new Set(axes.map((at) => axisIndex(node, at, rank)));
  if (added.size !== axes.length) throw unsupported(node, `it names an axis twice: [${axes}]`);
  const rest = [...info.axes];
  const out = Array.from({ length: rank }, (_, i) => (added.has(i) ? [] : (rest.shift() ?? [])));
  follower.produce(node.outputs[0], tensorInfo(info.type, out));
  return node;
};

/** Mean, sum or largest over axes; over elastic ones too, since a subnet's tensors hold nothing but what is used. */
export const reduce: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  const given = listOf(node, 'axes', 1, follower);
  if (given === undefined || given.length === 0) throw unsupported(node, 'it names no axes');
  const gone = new Set(given.map((at) => axisIndex(node, at, info.axes.length)));
  for (const i of gone) {
    if (hasRows(info.axes[i] ?? [])) throw unsupported(node, 'it would mix the rows of the batch');
  }
  const keeps = attribute(node, 'keepdims', 'int', 1) === 1;
  const axes = info.axes.flatMap((factors, i) => (gone.has(i) ? (keeps ? [[]] : []) : [factors]));
  follower.produce(node.outputs[0], tensorInfo(info.type, axes));
  return node;
};

/** Zeros (or another constant) around; only where the size is the same in every subnet. */
export const pad: OpHandler = (node, follower) => {
  const info = follower.info(node.inputs[0]);
  const pads = integerInput(node, 1, follower);
  const given = node.inputs[3] ? integerInput(node, 3, follower) : [...info.axes.keys()];
  const along = given.map((at) => axisIndex(node, at, info.axes.length));
  if (pads.length !== 2 * along.length) throw unsupported(node, `its pads [${pads}] do not fit [${info.dims}]`);
  const axes = [...info.axes];
  for (const [k, i] of along.entries()) {
    const added = (pads[k] ?? 0) + (pads[k + along.length] ?? 0);
    const [size, factors] = [info.dims[i] ?? 0, info.axes[i] ?? []];
    const untouched = pads[k] === 0 && pads[k + along.length] === 0;
    if (untouched) continue;
    if (factors.some((factor) => factor === 'rows' || isElastic(factor)) || !(size + added >= 1)) {
      throw unsupported(node, `it pads axis ${i} of [${info.axes.map(describeAxis)}]`);
    }
    axes[i] = fixedAxis(size + added);
  }
  follower.produce(node.outputs[0], tensorInfo(info.type, axes));
  return node;
};
