/** What a subnet costs, without a device: the order of costs decides which subnets are kept. */
import { extract, type SubnetConfig, type Supernet } from '@slackline/supernet';

const weighted = new Set(['Conv', 'Gemm', 'MatMul']);

/** Multiply-accumulate operations for one row: each weight is used once at every position of its layer's output. */
export function macsPerRow(supernet: Supernet, config: SubnetConfig): number {
  const { nodes, initializers } = extract(supernet, config).graph;
  let macs = 0;
  for (const { op, inputs, outputs } of nodes) {
    const weight = weighted.has(op) ? initializers.get(inputs[1] ?? '') : undefined;
    if (weight === undefined) continue;
    const positions = supernet.followed.tensors.get(outputs[0] ?? '')?.dims.slice(2) ?? [];
    macs += product(weight.dims) * product(positions);
  }
  return macs;
}

function product(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1);
}
