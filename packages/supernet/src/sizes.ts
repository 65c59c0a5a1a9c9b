/** Sizes of tensors in a subnet, without cutting any: what it costs to run a subnet is counted from these. */
import { type Extent, sizeIn } from './extent.js';
import type { Node } from './onnx/model.js';
import type { SubnetConfig } from './spec.js';
import type { Supernet } from './supernet.js';

/**
 * The sizes of a tensor that `node` reads (a constant as it is cut for that node) or of any computed tensor, for one row:
 * the batch counts as 1 in an axis that it has part in. Undefined for a name that is no tensor of the graph.
 */
export function sizesForOneRow(
  supernet: Supernet,
  config: SubnetConfig,
  name: string,
  node?: Node,
): number[] | undefined {
  const { followed, model } = supernet;
  const size = (extent: Extent) => sizeIn(config, extent);
  const computed = followed.tensors.get(name);
  if (computed !== undefined) {
    return computed.axes.map((factors) => {
      return factors.reduce((product, factor) => product * (factor === 'rows' ? 1 : size(factor)), 1);
    });
  }
  const constant = model.graph.initializers.get(name);
  if (constant === undefined) return undefined;
  const sizes = [...constant.dims];
  const index = node?.inputs.indexOf(name) ?? -1;
  const cuts = node === undefined ? undefined : followed.cuts.get(node)?.get(index);
  for (const { axis, extent } of cuts ?? []) sizes[axis] = size(extent);
  return sizes;
}
