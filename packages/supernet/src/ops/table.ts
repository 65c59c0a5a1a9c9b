/** The operators that the compiler can see through. To teach it another, add its handler here. */
import { binary, cast, unary } from './elementwise.js';
import type { OpHandler } from './handler.js';
import { gemm, matMul } from './linear.js';
import { batchNormalization } from './normalization.js';
import { flatten, reduceMean, reshape } from './shape.js';
import { conv, globalPool, pool } from './window.js';

export const OPS: ReadonlyMap<string, OpHandler> = new Map<string, OpHandler>([
  ['Add', binary],
  ['AveragePool', pool],
  ['BatchNormalization', batchNormalization],
  ['Cast', cast],
  ['Clip', unary],
  ['Conv', conv],
  ['Div', binary],
  ['Flatten', flatten],
  ['Gemm', gemm],
  ['GlobalAveragePool', globalPool],
  ['HardSigmoid', unary],
  ['HardSwish', unary],
  ['Identity', unary],
  ['LeakyRelu', unary],
  ['MatMul', matMul],
  ['MaxPool', pool],
  ['Mul', binary],
  ['ReduceMean', reduceMean],
  ['Relu', unary],
  ['Reshape', reshape],
  ['Sigmoid', unary],
  ['Sub', binary],
  ['Tanh', unary],
]);
