/** The operators that the compiler can see through. To teach it another, add its handler here. */

import { einsum } from './einsum.js';
import { binary, cast, dropout, unary } from './elementwise.js';
import type { OpHandler } from './handler.js';
import { gemm, matMul } from './linear.js';
import { batchNormalization, instanceNormalization, layerNormalization, softmax } from './normalization.js';
import { concat, expand, gather, slice, split } from './parts.js';
import { flatten, pad, reduce, reshape, squeeze, transpose, unsqueeze } from './shape.js';
import { conv, globalPool, pool } from './window.js';

/** Of each element alone, and of nothing but its value. */
const UNARY = [
  ...['Abs', 'Ceil', 'Celu', 'Clip', 'Cos', 'Elu', 'Erf', 'Exp', 'Floor', 'Gelu', 'HardSigmoid', 'HardSwish'],
  ...['Identity', 'LeakyRelu', 'Log', 'Mish', 'Neg', 'Reciprocal', 'Relu', 'Round', 'Selu', 'Sigmoid', 'Sign', 'Sin'],
  ...['Softplus', 'Softsign', 'Sqrt', 'Tanh', 'ThresholdedRelu'],
];

/** Of two elements, or of one and a constant. */
const BINARY = ['Add', 'Div', 'Max', 'Min', 'Mul', 'PRelu', 'Pow', 'Sub'];

export const OPS: ReadonlyMap<string, OpHandler> = new Map<string, OpHandler>([
  ...UNARY.map((op) => [op, unary] as const),
  ...BINARY.map((op) => [op, binary] as const),
  ['AveragePool', pool],
  ['BatchNormalization', batchNormalization],
  ['Cast', cast],
  ['Concat', concat],
  ['Conv', conv],
  ['Dropout', dropout],
  ['Einsum', einsum],
  ['Expand', expand],
  ['Flatten', flatten],
  ['Gather', gather],
  ['Gemm', gemm],
  ['GlobalAveragePool', globalPool],
  ['GlobalMaxPool', globalPool],
  ['InstanceNormalization', instanceNormalization],
  ['LayerNormalization', layerNormalization],
  ['LogSoftmax', softmax],
  ['MatMul', matMul],
  ['MaxPool', pool],
  ['Pad', pad],
  ['ReduceL2', reduce],
  ['ReduceMax', reduce],
  ['ReduceMean', reduce],
  ['ReduceMin', reduce],
  ['ReduceSum', reduce],
  ['Reshape', reshape],
  ['Slice', slice],
  ['Softmax', softmax],
  ['Split', split],
  ['Squeeze', squeeze],
  ['Transpose', transpose],
  ['Unsqueeze', unsqueeze],
]);

/** The opset that brought an operator, where that is not among the oldest that are read. */
const SINCE: ReadonlyMap<string, number> = new Map([
  ['HardSwish', 14],
  ['LayerNormalization', 17],
  ['Mish', 18],
  ['Gelu', 20],
]);

/** Why a model of that opset cannot have the operator; undefined if it can. */
export function since(op: string, opset: number): string | undefined {
  const first = SINCE.get(op) ?? 0;
  return opset < first ? `which came with opset ${first}, and the model is of ${opset}` : undefined;
}
