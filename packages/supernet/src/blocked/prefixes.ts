/**
 * What graphs of weights that are blocked once for all can hold (forward.ts): networks whose elastic axis is the
 * channels, cut to a prefix. Other networks are blocked subnet by subnet (still-forward.ts).
 */
import { hasRows, isFixed } from '../axes.js';
import { type Extent, onlyPart, type Part } from '../extent.js';
import type { Node, Tensor } from '../onnx/model.js';
import { attribute, label, type TensorInfo } from '../ops/handler.js';
import type { Supernet } from '../supernet.js';
import { unavailable } from './placement.js';
import { isPixelMean } from './pools.js';

/** Operators that were tried in the blocked form, in blocks or in plain layout. */
const OPS = new Set([
  ...[
    'Add',
    'AveragePool',
    'BatchNormalization',
    'Cast',
    'Clip',
    'Conv',
    'Div',
    'Flatten',
    'Gemm',
    'GlobalAveragePool',
  ],
  ...['HardSigmoid', 'HardSwish', 'Identity', 'LeakyRelu', 'MatMul', 'MaxPool', 'Mul', 'ReduceMean', 'Relu', 'Sigmoid'],
  ...['Sub', 'Tanh'],
]);

/** The one part of an extent. @throws SupernetError `blocked-unavailable` when there are several, or heads */
export function partOf(extent: Extent): Part {
  const part = onlyPart(extent);
  if (part === undefined || part.unit !== 1) throw unavailable('an axis is made of several parts');
  return part;
}

/** @throws SupernetError `blocked-unavailable`, naming what such graphs cannot hold */
export function requirePlain({ model, followed }: Supernet): void {
  for (const [name, { axes }] of followed.tensors) {
    const [rows = [], channels = [], ...others] = axes;
    const simple = rows.length === 1 && hasRows(rows) && channels.length <= 1 && others.every(isFixed);
    if (!simple) throw unavailable(`${name} is elastic along another axis than its channels`);
    for (const factor of channels) if (factor !== 'rows') partOf(factor);
  }
  for (const cuts of followed.cuts.values()) for (const cut of [...cuts.values()].flat()) partOf(cut.extent);
  for (const node of model.graph.nodes) {
    if (followed.sized.has(node) || followed.grouped.has(node) || node.outputs.length > 1 || !OPS.has(node.op)) {
      throw unavailable(`${label(node)} is not supported there`);
    }
    const known = node.inputs.flatMap((name) => followed.tensors.get(name) ?? []);
    if (!fits(node, known, model.graph.initializers)) throw unavailable(`${label(node)} is not supported there`);
  }
}

function fits(node: Node, inputs: readonly TensorInfo[], initializers: ReadonlyMap<string, Tensor>): boolean {
  const [first, second] = inputs;
  if (node.op === 'Conv') return first?.dims.length === 4 && attribute(node, 'group', 'int', 1) === 1;
  if (node.op === 'Gemm' || node.op === 'MatMul') return first?.dims.length === 2 && inputs.length === 1;
  if (node.op === 'ReduceMean') return first?.dims.length === 4 && isPixelMean(node, initializers);
  // What fills up the last block is zero, and must not be divided by: no number is left of it times a weight of zero.
  if (node.op === 'Div') return initializers.has(node.inputs[1] ?? '');
  return second === undefined || first?.dims.join() === second.dims.join() || node.op !== 'Add';
}
