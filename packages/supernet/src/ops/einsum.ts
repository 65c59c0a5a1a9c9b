/** Einsum of two tensors, with the axes spelled out: `bhid,bhjd->bhij`. */
import { type Axis, describeAxis, hasRows, sameAxis } from '../axes.js';
import { attribute, type Cut, extentAt, type OpHandler, tensorInfo, unsupported } from './handler.js';

export const einsum: OpHandler = (node, follower) => {
  const equation = attribute(node, 'equation', 'string', '').replaceAll(' ', '');
  const [left = '', right] = equation.split('->');
  const operands = left.split(',');
  const letters = /^[a-zA-Z]+$/;
  if (
    right === undefined ||
    operands.length !== node.inputs.length ||
    ![...operands, right].every((t) => letters.test(t))
  ) {
    throw unsupported(node, `its equation ${equation} is not supported`);
  }
  /** The axis of each letter. */
  const met = new Map<string, Axis>();
  const order = [...operands.keys()].sort((a, b) => Number(isConstant(a)) - Number(isConstant(b)));
  for (const operand of order) {
    const names = [...(operands[operand] ?? '')];
    const constant = follower.constant(node.inputs[operand]);
    const info = constant === undefined ? follower.info(node.inputs[operand]) : undefined;
    if ((info?.dims ?? constant?.dims)?.length !== names.length) throw unsupported(node, `${equation} does not fit`);
    const cuts: Cut[] = [];
    for (const [at, name] of names.entries()) {
      const known = met.get(name);
      const own = info?.axes[at] ?? known;
      if (own === undefined || (known !== undefined && !sameAxis(known, own))) {
        const both = known && own ? `${describeAxis(known)} and ${describeAxis(own)}` : 'of a constant alone';
        throw unsupported(node, `its axis ${name} is ${both}`);
      }
      if (known === undefined) met.set(name, own);
      else if (info === undefined) cuts.push({ axis: at, extent: extentAt(node, tensorInfo('float32', [own]), 0) });
    }
    if (cuts.length > 0) follower.cut(node, operand, cuts);
  }
  const type = follower.info(node.inputs[order[0] ?? 0]).type;
  const axes = [...right].map((name) => {
    const found = met.get(name);
    if (found === undefined) throw unsupported(node, `its axis ${name} is in no input`);
    return found;
  });
  for (const [name, axis] of met) {
    if (hasRows(axis) && !right.includes(name)) throw unsupported(node, 'it would mix the rows of the batch');
  }
  follower.produce(node.outputs[0], tensorInfo(type, axes));
  return node;

  function isConstant(operand: number): boolean {
    return follower.constant(node.inputs[operand]) !== undefined;
  }
};
