/**
 * Refuses networks whose normalizations were folded into the convolutions by the exporter: the statistics of a subnet
 * are its own, and a folded network holds the largest subnet's only.
 */
import type { Depths } from './depth.js';
import { SupernetError } from './errors.js';
import { isElastic } from './extent.js';
import type { Followed } from './follow.js';
import type { Node } from './onnx/model.js';
import { channelsOf, label } from './ops/handler.js';
import type { ElasticSpec } from './spec.js';

const NORMALIZATIONS = new Set(['BatchNormalization', 'InstanceNormalization', 'LayerNormalization']);

/**
 * A folded normalization leaves a convolution with a bias, and nothing that normalizes after it. Convolutions like
 * that are refused where their channels, or whether they run, change with the subnet.
 * @throws SupernetError `unsupported-model`
 */
export function checkNormalized(followed: Followed, { places }: Depths, spec: ElasticSpec): void {
  if (spec.normalization === 'none') return;
  const normalized = leadingToNormalization(followed);
  const folded = followed.nodes.find((node) => {
    if (node.op !== 'Conv' || !node.inputs[2] || normalized.has(node)) return false;
    const output = followed.tensors.get(node.outputs[0] ?? '');
    return places.has(node) || (output !== undefined && isElastic(channelsOf(output)));
  });
  if (folded === undefined) return;
  throw new SupernetError(
    'unsupported-model',
    `${label(folded)} changes with the subnet, has a bias, and no normalization follows it: its BatchNormalization seems ` +
      'to be folded into it, so that subnets cannot have statistics of their own. Export the network with ' +
      'training=torch.onnx.TrainingMode.PRESERVE and do_constant_folding=False; if it really has no normalization, ' +
      'say "normalization": "none" in the spec.',
  );
}

/** The nodes after which, near or far, something is normalized. */
function leadingToNormalization({ nodes, tensors }: Followed): Set<Node> {
  const wanted = new Set<string>();
  const found = new Set<Node>();
  for (const node of [...nodes].reverse()) {
    // Exporters that know no LayerNormalization write out its square root.
    const normalizes = NORMALIZATIONS.has(node.op) || (node.op === 'Sqrt' && tensors.has(node.inputs[0] ?? ''));
    if (!normalizes && !node.outputs.some((name) => wanted.has(name))) continue;
    found.add(node);
    for (const name of node.inputs) wanted.add(name);
  }
  return found;
}
