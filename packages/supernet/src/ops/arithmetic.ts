/** Arithmetic on known tensors: what shape computations and folded constants are made of. */
import { type DataType, elements, type Node } from '../onnx/model.js';
import { attribute } from './handler.js';
import {
  type Budget,
  castTo,
  groupsOf,
  isNumber,
  type Known,
  knownTensor,
  MAX_KNOWN,
  plain,
  type Quantity,
} from './known.js';
import { at, broadcastDims, gatherIndices, positions, sliceIndices, walkLength } from './strided.js';

/** What a node computes; undefined where the compiler cannot tell. */
export type Evaluator = (node: Node, inputs: readonly Known[], budget: Budget) => Known | undefined;

type Scalar = (...inputs: Quantity[]) => Quantity | undefined;

/** Element by element with broadcasting; the result has the type of the last input, or `type`. */
function elementwise(compute: Scalar, type?: DataType): Evaluator {
  return (_, inputs, budget) => {
    const dims = inputs.reduce<readonly number[] | undefined>(
      (all, input) => (all === undefined ? all : broadcastDims(all, input.dims)),
      [],
    );
    if (dims === undefined || walkLength(dims) > MAX_KNOWN) return undefined;
    budget.spend(walkLength(dims) * inputs.length);
    const count = elements(dims);
    const last = type ?? inputs.at(-1)?.type ?? 'int64';
    const indices = inputs.map((input) => positions(input.dims, dims));
    const values: Quantity[] = [];
    for (let i = 0; i < count; i++) {
      const value = compute(...inputs.map((input, k) => at(input.values, at(indices[k] ?? [], i))));
      if (value === undefined) return undefined;
      values.push(last === 'float32' ? { ...value, n: Math.fround(value.n) } : value);
    }
    return { type: last, dims, values };
  };
}

/** Of plain numbers, or of sizes that change with the subnet but not with the batch. */
function ofNumbers(compute: (...n: number[]) => number | boolean, type?: DataType): Evaluator {
  return elementwise((...inputs) => {
    if (inputs.some(({ rows }) => rows)) return undefined;
    return { n: Number(compute(...inputs.map(({ n }) => n))), rows: false, groups: groupsOf(inputs) };
  }, type);
}

const times = elementwise((a, b) => {
  if (a === undefined || b === undefined || (a.rows && b.rows)) return undefined;
  return { n: a.n * b.n, rows: a.rows || b.rows, groups: groupsOf([a, b]) };
});

/** Integers are divided without a fraction; rows divide only where nothing is left over. */
const over: Evaluator = (node, inputs, budget) => {
  const whole = inputs[0]?.type !== 'float32' && inputs[0]?.type !== 'float64';
  return elementwise((a, b) => {
    if (a === undefined || b === undefined || b.rows || (whole && b.n === 0)) return undefined;
    if (a.rows && a.n % b.n !== 0) return undefined;
    const n = whole ? Math.trunc(a.n / b.n) : a.n / b.n;
    return { n, rows: a.rows, groups: groupsOf([a, b]) };
  })(node, inputs, budget);
};

/** Two sizes are equal or not for every batch; a size of the batch is never zero or negative. */
const equal = elementwise((a, b) => {
  if (a === undefined || b === undefined) return undefined;
  const groups = groupsOf([a, b]);
  if (a.rows === b.rows) return { n: Number(a.n === b.n), rows: false, groups };
  const [known, size] = a.rows ? [b.n, a.n] : [a.n, b.n];
  return known > 0 && size > 0 ? undefined : { n: 0, rows: false, groups };
}, 'bool');

const where = elementwise((condition, yes, no) => {
  if (condition === undefined || condition.rows) return undefined;
  const picked = condition.n === 0 ? no : yes;
  return picked && { ...picked, groups: groupsOf([picked, condition]) };
});

const concat: Evaluator = (_, inputs, budget) => {
  const [first] = inputs;
  if (first === undefined || inputs.some(({ dims, type }) => dims.length !== 1 || type !== first.type))
    return undefined;
  const count = inputs.reduce((sum, { values }) => sum + values.length, 0);
  if (count > MAX_KNOWN) return undefined;
  budget.spend(count);
  const values = inputs.flatMap((input) => input.values);
  return { type: first.type, dims: [values.length], values };
};

function picked(known: Known, dims: readonly number[], indices: readonly number[], budget: Budget): Known {
  budget.spend(walkLength(dims));
  return { type: known.type, dims, values: indices.map((index) => at(known.values, index)) };
}

const gather: Evaluator = (node, [data, index], budget) => {
  const list = index && wholeNumbers(index);
  if (data === undefined || index === undefined || list === undefined) return undefined;
  const found = gatherIndices(data.dims, attribute(node, 'axis', 'int', 0), index.dims, list, MAX_KNOWN);
  return found && picked(data, found.dims, found.indices, budget);
};

const slice: Evaluator = (_, [data, starts, ends, axes, steps], budget) => {
  if (data === undefined || starts === undefined || ends === undefined) return undefined;
  const [begin, end, along, by] = [starts, ends, axes, steps].map((known) => known && wholeNumbers(known));
  if (begin === undefined || end === undefined || (axes && !along) || (steps && !by)) return undefined;
  const found = sliceIndices(data.dims, begin, end, along, by);
  return found && picked(data, found.dims, found.indices, budget);
};

/** The numbers of a tensor; undefined if one is a size of the batch or of a subnet. */
function wholeNumbers({ values }: Known): number[] | undefined {
  return values.every(isNumber) ? values.map(({ n }) => n) : undefined;
}

const cast: Evaluator = (node, [data]) => {
  const type = CAST_TYPES.get(attribute(node, 'to', 'int', 0));
  return data && type && castTo(data, type);
};

const CAST_TYPES: ReadonlyMap<number, DataType> = new Map([
  [1, 'float32'],
  [6, 'int32'],
  [7, 'int64'],
  [9, 'bool'],
  [11, 'float64'],
]);

const constantOfShape: Evaluator = (node, [shape], budget) => {
  const dims = shape && wholeNumbers(shape);
  if (dims === undefined || dims.some((size) => size < 0) || walkLength(dims) > MAX_KNOWN) return undefined;
  const count = elements(dims);
  budget.spend(count);
  const given = node.attributes.value;
  const filler = given?.kind === 'tensor' ? knownTensor(given.value) : undefined;
  const value = filler?.values[0] ?? plain(0);
  return { type: filler?.type ?? 'float32', dims, values: Array.from({ length: count }, () => value) };
};

const range: Evaluator = (_, [start, limit, step], budget) => {
  const [from, to, by] = [start, limit, step].map((known) => known && wholeNumbers(known)?.[0]);
  if (start === undefined || from === undefined || to === undefined || !by) return undefined;
  const count = Math.max(0, Math.ceil((to - from) / by));
  if (!(count <= MAX_KNOWN)) return undefined;
  budget.spend(count);
  return {
    type: start.type,
    dims: [count],
    values: Array.from({ length: count }, (_value, i) => plain(from + i * by)),
  };
};

const product: Evaluator = (node, [data], budget) => {
  if (data === undefined || data.dims.length !== 1) return undefined;
  budget.spend(data.values.length);
  const total = data.values.reduce<Quantity | undefined>((all, q) => {
    if (all === undefined || (all.rows && q.rows)) return undefined;
    return { n: all.n * q.n, rows: all.rows || q.rows, groups: groupsOf([all, q]) };
  }, plain(1));
  const dims = attribute(node, 'keepdims', 'int', 1) === 1 ? [1] : [];
  return total && { type: data.type, dims, values: [total] };
};

export const EVALUATORS: ReadonlyMap<string, Evaluator> = new Map<string, Evaluator>([
  ['Abs', ofNumbers(Math.abs)],
  ['Add', ofNumbers((a = 0, b = 0) => a + b)],
  ['And', ofNumbers((a, b) => a !== 0 && b !== 0, 'bool')],
  ['Cast', cast],
  ['Ceil', ofNumbers(Math.ceil)],
  ['Concat', concat],
  ['ConstantOfShape', constantOfShape],
  ['Div', over],
  ['Equal', equal],
  ['Exp', ofNumbers(Math.exp)],
  ['Floor', ofNumbers(Math.floor)],
  ['Gather', gather],
  ['Greater', ofNumbers((a = 0, b = 0) => a > b, 'bool')],
  ['Less', ofNumbers((a = 0, b = 0) => a < b, 'bool')],
  ['Log', ofNumbers(Math.log)],
  ['Max', ofNumbers(Math.max)],
  ['Min', ofNumbers(Math.min)],
  ['Mul', times],
  ['Neg', ofNumbers((a = 0) => -a)],
  ['Not', ofNumbers((a) => a === 0, 'bool')],
  ['Or', ofNumbers((a, b) => a !== 0 || b !== 0, 'bool')],
  ['Pow', ofNumbers((a = 0, b = 0) => a ** b)],
  ['Range', range],
  ['Reciprocal', ofNumbers((a = 0) => 1 / a)],
  ['ReduceProd', product],
  ['Slice', slice],
  ['Sqrt', ofNumbers(Math.sqrt)],
  ['Sub', ofNumbers((a = 0, b = 0) => a - b)],
  ['Where', where],
]);
