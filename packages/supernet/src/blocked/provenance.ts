/** A subnet as a static network whose constants still know which part of which shared parameter they are. */
import { extract } from '../extract.js';
import type { Tensor } from '../onnx/model.js';
import type { Cut } from '../ops/handler.js';
import { cutTensor } from '../slice.js';
import type { SubnetConfig } from '../spec.js';
import { activeNodes, analyse, type Supernet } from '../supernet.js';

export interface Still {
  /** The subnet with nothing elastic about it. */
  readonly supernet: Supernet;
  /** The values of a constant, cut out of the shared parameters; undefined where they are the subnet's own. */
  readonly source: (constant: string) => (() => Tensor) | undefined;
}

export function stillOf(supernet: Supernet, config: SubnetConfig): Still {
  const model = extract(supernet, config);
  const sources = new Map<string, () => Tensor>();
  // Extraction keeps the order of nodes and of their inputs.
  for (const [i, node] of activeNodes(supernet, config).entries()) {
    for (const [index, name] of node.inputs.entries()) {
      const shared = supernet.model.graph.initializers.get(name);
      const own = model.graph.nodes[i]?.inputs[index] ?? '';
      if (shared?.type !== 'float32' || sources.has(own)) continue;
      const cuts = supernet.followed.cuts.get(node)?.get(index) ?? [];
      sources.set(own, cutter(shared, cuts, config));
    }
  }
  return { supernet: analyse(model, { channels: {}, depth: {} }), source: (constant) => sources.get(constant) };
}

// Made where the extracted model is not in sight: what it returns lives as long as the session.
function cutter(shared: Tensor, cuts: readonly Cut[], config: SubnetConfig): () => Tensor {
  return () => cutTensor(shared, cuts, config);
}
