/**
 * What a subnet costs: multiply-accumulates, which need no device, and the amounts of work in each part of the network,
 * which a device's latency is predicted from. Everything is counted on the compiler's analysis of the graph.
 */
import { activeNodes, type Node, type SubnetConfig, type Supernet, sizesForOneRow } from '@slackline/supernet';
import type { Features } from '../search/additive-model.js';

/** Work of a node for one row. */
interface Work {
  macs: number;
  /** Elements of computed tensors that are written: what memory-bound operators take their time for. */
  elements: number;
}

/** Parts of a network that take the same time for the same work: blocks of the same make, or nodes between blocks. */
interface Part {
  /** Whether the part can be left out: then running it at all has a price. */
  optional: boolean;
}

/** What a subnet costs for one row. */
export interface Cost {
  /** Multiply-accumulate operations. */
  macs: number;
  /**
   * One (the price of a run), then for every part of the network: how many of its blocks run (only where blocks can be
   * left out), their multiply-accumulates, and the elements that they write. Blocks of the same make count together.
   */
  work: Features;
}

/** Counts the work of a supernet's subnets. */
export class CostModel {
  readonly #supernet: Supernet;
  readonly #partOf: ReadonlyMap<Node, number>;
  readonly #parts: readonly Part[];
  readonly #known = new Map<Node, { groups: string[]; work: Map<string, Work> }>();

  constructor(supernet: Supernet) {
    this.#supernet = supernet;
    const { parts, partOf } = partsOf(supernet);
    this.#parts = parts;
    this.#partOf = partOf;
  }

  costOf(config: SubnetConfig): Cost {
    const { places } = this.#supernet.depths;
    const amounts = this.#parts.map(() => ({ macs: 0, elements: 0, blocks: new Set<string>() }));
    for (const node of activeNodes(this.#supernet, config)) {
      const amount = amounts[this.#partOf.get(node) ?? 0];
      if (amount === undefined) continue;
      const { macs, elements } = this.#work(node, config);
      amount.macs += macs;
      amount.elements += elements;
      const place = places.get(node);
      if (place !== undefined) amount.blocks.add(`${place.group}/${place.index}`);
    }
    const work = amounts.map(({ macs, elements, blocks }, i) => {
      return this.#parts[i]?.optional === true ? [blocks.size, macs, elements] : [macs, elements];
    });
    return { macs: amounts.reduce((sum, { macs }) => sum + macs, 0), work: [1, ...work.flat()] };
  }

  /** Counted once for each choice of the groups that the node depends on: a search asks for thousands of subnets. */
  #work(node: Node, config: SubnetConfig): Work {
    const known = this.#known.get(node);
    const key = known?.groups.map((group) => config[group]).join();
    const counted = key === undefined ? undefined : known?.work.get(key);
    if (counted !== undefined) return counted;
    const groups = new Set<string>();
    const watched = new Proxy(config, {
      get(target, group) {
        groups.add(String(group));
        return target[String(group)];
      },
    });
    const work = workOf(this.#supernet, node, watched);
    const entry = known ?? { groups: [...groups], work: new Map<string, Work>() };
    this.#known.set(node, entry);
    entry.work.set(entry.groups.map((group) => config[group]).join(), work);
    return work;
  }
}

function workOf(supernet: Supernet, node: Node, config: SubnetConfig): Work {
  const sizes = (name: string | undefined) => sizesForOneRow(supernet, config, name ?? '', node) ?? [];
  const outputs = node.outputs.map((name) => product(sizes(name)));
  return { macs: macsOf(node, outputs[0] ?? 0, sizes), elements: outputs.reduce((a, b) => a + b, 0) };
}

/** Every element of the output is a sum of as many products as the operator reduces over. */
function macsOf({ op, inputs }: Node, outputs: number, sizes: (name: string | undefined) => number[]): number {
  // Of a convolution's weight [out, in of its group, height, width], all but the first; of a matrix, its inner side.
  if (op === 'Conv') return outputs * product(sizes(inputs[1]).slice(1));
  if (op === 'Gemm' || op === 'MatMul') return outputs * (sizes(inputs[0]).at(-1) ?? 1);
  return 0;
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}

/** Divides the nodes into parts. Nodes outside of blocks make a part for each stretch between blocks. */
function partsOf(supernet: Supernet): { parts: Part[]; partOf: Map<Node, number> } {
  const { nodes } = supernet.model.graph;
  const { places } = supernet.depths;
  const blocks = new Map<string, Node[]>();
  const keys = new Map<Node, string>();
  let stretch = 0;
  let inBlock = false;
  for (const node of nodes) {
    const place = places.get(node);
    if (place === undefined && inBlock) stretch += 1;
    inBlock = place !== undefined;
    const key = place === undefined ? `between ${stretch}` : `${place.group}/${place.index}`;
    keys.set(node, key);
    blocks.set(key, [...(blocks.get(key) ?? []), node]);
  }
  const parts: Part[] = [];
  const indexOf = new Map<string, number>();
  const partOf = new Map<Node, number>();
  for (const [key, members] of blocks) {
    const optional = !key.startsWith('between ');
    const make = optional ? members.map((node) => `${node.op} ${fullSizes(supernet, node)}`).join('; ') : key;
    const index = indexOf.get(make) ?? parts.push({ optional }) - 1;
    indexOf.set(make, index);
    for (const node of members) partOf.set(node, index);
  }
  return { parts, partOf };
}

/** The sizes of what a node reads and writes in the largest subnet. */
function fullSizes({ followed, model }: Supernet, { inputs, outputs }: Node): string {
  return [...inputs, ...outputs]
    .map((name) => (followed.tensors.get(name) ?? model.graph.initializers.get(name))?.dims.join('x') ?? '')
    .join(' ');
}
