/**
 * Checks the blocks of depth groups against the graph, and arranges the nodes into steps: plain nodes, and runs of
 * blocks that only execute at enough depth, nested so that leaving out many blocks costs one decision.
 *
 *   depths [0, 1, 2]:  select(depth >= 1) { block 1, select(depth >= 2) { block 2 } }
 */
import { SupernetError } from './errors.js';
import type { Followed } from './follow.js';
import type { Graph, Node } from './onnx/model.js';
import { describe, sameExtent } from './ops/handler.js';
import type { DepthGroup, ElasticSpec, SubnetConfig } from './spec.js';

/** Runs `body`, which computes `to`, when the group's depth is at least `atLeast`; else `to` is `from`. */
export interface Select {
  readonly group: string;
  readonly atLeast: number;
  readonly from: string;
  readonly to: string;
  readonly body: readonly Step[];
}

export type Step = { readonly node: Node } | { readonly select: Select };

/** Where a node belongs: block `index` (from 0) of a depth group. */
export interface Place {
  readonly group: string;
  readonly index: number;
}

export interface Depths {
  readonly steps: readonly Step[];
  /** Nodes outside all blocks have no entry. */
  readonly places: ReadonlyMap<Node, Place>;
}

/** @throws SupernetError `invalid-spec` */
export function arrange(graph: Graph, followed: Followed, spec: ElasticSpec): Depths {
  const places = new Map<Node, Place>();
  for (const [group, depth] of Object.entries(spec.depth)) {
    checkRun(group, depth, followed);
    for (const [index, block] of depth.blocks.entries()) {
      for (const node of blockNodes(group, block, followed, graph)) {
        const other = places.get(node);
        if (other !== undefined) {
          throw refuse(group, `node ${node.name || node.outputs[0]} lies in a block of ${other.group} too`);
        }
        places.set(node, { group, index });
      }
    }
    checkEnclosed(group, depth, followed, graph, places);
  }
  return { steps: toSteps(followed.nodes, spec, places), places };
}

/** True if the node runs in that subnet. */
export function runs(place: Place | undefined, config: SubnetConfig): boolean {
  return place === undefined || place.index < (config[place.group] ?? 0);
}

function refuse(group: string, reason: string): SupernetError {
  return new SupernetError('invalid-spec', `Depth group ${group}: ${reason}.`);
}

function checkRun(group: string, { blocks, depths }: DepthGroup, { tensors }: Followed): void {
  if (depths.at(-1) !== blocks.length) {
    throw refuse(group, `the largest depth is ${depths.at(-1)} and there are ${blocks.length} blocks`);
  }
  for (const [i, { from, to }] of blocks.entries()) {
    const [begin, end] = [tensors.get(from), tensors.get(to)];
    if (begin === undefined) throw refuse(group, `no tensor is called ${from}`);
    if (end === undefined) throw refuse(group, `no tensor is called ${to}`);
    const same = begin.dims.join() === end.dims.join() && begin.type === end.type;
    if (!same || !sameExtent(begin.channels, end.channels)) {
      throw refuse(
        group,
        `a block that can be left out must keep shape and channels, but ${from} is [${begin.dims}] with ` +
          `${describe(begin.channels)} channels and ${to} is [${end.dims}] with ${describe(end.channels)}`,
      );
    }
    const next = blocks[i + 1];
    if (next !== undefined && next.from !== to) {
      throw refuse(group, `block ${i + 1} ends with ${to}, but block ${i + 2} begins with ${next.from}`);
    }
  }
}

/** The nodes between the two tensors: what `to` is computed from, back to `from` and no further. */
function blockNodes(group: string, block: { from: string; to: string }, { nodes }: Followed, graph: Graph): Set<Node> {
  const producer = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  const found = new Set<Node>();
  const open = [block.to];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === block.from || name === '' || graph.initializers.has(name)) continue;
    const node = producer.get(name);
    if (node === undefined) throw refuse(group, `${block.to} is computed from ${name} past ${block.from}`);
    if (!found.has(node)) open.push(...node.inputs);
    found.add(node);
  }
  return found;
}

/** Nothing outside a block may read what is computed inside it, except the last tensor of the run. */
function checkEnclosed(
  group: string,
  { blocks }: DepthGroup,
  { nodes }: Followed,
  graph: Graph,
  places: ReadonlyMap<Node, Place>,
): void {
  const inside = new Map<string, Place>();
  for (const [node, place] of places) {
    if (place.group === group) for (const name of node.outputs) inside.set(name, place);
  }
  const last = blocks.at(-1)?.to;
  const readers = nodes.map((node) => ({ names: node.inputs, place: places.get(node), label: node.name }));
  readers.push({ names: graph.outputs.map((output) => output.name), place: undefined, label: 'the graph output' });
  for (const { names, place, label } of readers) {
    for (const name of names) {
      const home = inside.get(name);
      if (home === undefined || name === last) continue;
      const next = place?.group === group && place.index === home.index + 1 && name === blocks[home.index]?.to;
      const same = place?.group === group && place.index === home.index;
      if (!same && !next) throw refuse(group, `${name} lies inside block ${home.index + 1} and ${label} reads it`);
    }
  }
}

function toSteps(nodes: readonly Node[], spec: ElasticSpec, places: ReadonlyMap<Node, Place>): Step[] {
  const done = new Set<string>();
  return nodes.flatMap((node): Step[] => {
    const place = places.get(node);
    if (place === undefined) return [{ node }];
    if (done.has(place.group)) return [];
    done.add(place.group);
    const depth = spec.depth[place.group];
    if (depth === undefined) return [];
    const blocks = depth.blocks.map((_, index) =>
      nodes.filter((other) => places.get(other)?.group === place.group && places.get(other)?.index === index),
    );
    return nest(place.group, depth, blocks, 0);
  });
}

/** The blocks from depth `depths[level - 1]` on, those of each further allowed depth inside one more selection. */
function nest(group: string, depth: DepthGroup, blocks: readonly Node[][], level: number): Step[] {
  const begin = level === 0 ? 0 : (depth.depths[level - 1] ?? 0);
  const end = depth.depths[level];
  const first = depth.blocks[begin];
  const last = depth.blocks.at(-1);
  if (end === undefined || last === undefined) return [];
  const body: Step[] = blocks.slice(begin, end).flatMap((nodes) => nodes.map((node) => ({ node })));
  const rest = nest(group, depth, blocks, level + 1);
  if (level === 0 || first === undefined) return [...body, ...rest];
  return [{ select: { group, atLeast: end, from: first.from, to: last.to, body: [...body, ...rest] } }];
}
