/** One subnet as a static ONNX model: blocks beyond its depth gone, parameters cut, its own statistics in place. */
import { canonicalConfig } from './config.js';
import { sizeIn, sizesIn } from './extent.js';
import { checkStatistics, isNorm, normName, type SubnetStatistics } from './norms.js';
import { floatTensor, int64Tensor, type Model, makeNode, type Node, type Tensor } from './onnx/model.js';
import { cutTensor } from './slice.js';
import type { SubnetConfig } from './spec.js';
import { activeNodes, type Supernet } from './supernet.js';

/**
 * Without `statistics` the normalizations keep the first channels of the supernet's own, which are right for no
 * subnet but the one they were taken of (usually the largest).
 * @throws SupernetError `invalid-config`, `invalid-statistics`
 */
export function extract(supernet: Supernet, config: SubnetConfig, statistics?: SubnetStatistics): Model {
  const canonical = canonicalConfig(supernet, config);
  if (statistics !== undefined) checkStatistics(supernet, canonical, statistics);
  const { model } = supernet;
  const initializers = new Map<string, Tensor>();
  const resolve = pastSkipped(supernet, canonical);
  const nodes = activeNodes(supernet, canonical).map((node) => {
    const inputs = node.inputs.map((name, index) => {
      const whole = model.graph.initializers.get(name);
      if (whole === undefined) return resolve(name);
      const own = ownStatistics(node, index, statistics) ?? ownSizes(supernet, node, index, canonical);
      const cuts = supernet.followed.cuts.get(node)?.get(index) ?? [];
      return put(initializers, name, own ?? cutTensor(whole, cuts, canonical));
    });
    return { ...node, inputs, attributes: ownAttributes(supernet, node, canonical) };
  });
  for (const { name } of supernet.outputs) {
    if (resolve(name) !== name) nodes.push(makeNode('Identity', [resolve(name)], [name]));
  }
  return { ...model, graph: { ...model.graph, nodes, initializers } };
}

/** Where to read a tensor in a subnet: the end of a block that does not run is the beginning of the first such block. */
export function pastSkipped(supernet: Supernet, config: SubnetConfig): (name: string) => string {
  const bypass = new Map<string, string>();
  for (const [group, { blocks }] of Object.entries(supernet.spec.depth)) {
    for (const { from, to } of blocks.slice(config[group] ?? 0)) bypass.set(to, from);
  }
  const resolve = (name: string): string => {
    const begin = bypass.get(name);
    return begin === undefined ? name : resolve(begin);
  };
  return resolve;
}

function ownStatistics(node: Node, index: number, statistics: SubnetStatistics | undefined): Tensor | undefined {
  const own = isNorm(node) ? statistics?.[normName(node)] : undefined;
  if (own === undefined || (index !== 3 && index !== 4)) return undefined;
  const values = index === 3 ? own.mean : own.variance;
  return floatTensor([values.length], values);
}

/** The values of a constant that holds other sizes in each subnet. */
function ownSizes({ followed }: Supernet, node: Node, index: number, config: SubnetConfig): Tensor | undefined {
  const sizes = followed.sized.get(node)?.get(index);
  return sizes === undefined ? undefined : int64Tensor([sizes.length], sizesIn(config, sizes));
}

function ownAttributes({ followed }: Supernet, node: Node, config: SubnetConfig): Node['attributes'] {
  const grouping = followed.grouped.get(node);
  if (grouping === undefined) return node.attributes;
  return { ...node.attributes, group: { kind: 'int', value: sizeIn(config, grouping.extent) / grouping.per } };
}

/** Adds a constant under its name, or a variant of it where the same parameter is cut differently elsewhere. */
function put(initializers: Map<string, Tensor>, name: string, tensor: Tensor): string {
  for (let variant = 0; ; variant++) {
    const candidate = variant === 0 ? name : `${name}#${variant}`;
    const there = initializers.get(candidate);
    if (there !== undefined && !sameTensor(there, tensor)) continue;
    initializers.set(candidate, tensor);
    return candidate;
  }
}

function sameTensor(a: Tensor, b: Tensor): boolean {
  return a.type === b.type && a.dims.join() === b.dims.join() && Buffer.compare(a.bytes, b.bytes) === 0;
}
