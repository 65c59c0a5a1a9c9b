/**
 * Checks the blocks of depth groups against the graph, and arranges the nodes into steps: plain nodes, and runs of
 * blocks that only execute at enough depth, nested so that leaving out many blocks costs one decision.
 *
 *   depths [0, 1, 2]:  select(depth >= 1) { block 1, select(depth >= 2) { block 2 } }
 *
 * Readers of ONNX files end at a hundred nested messages, of which a selection takes three: after MAX_NESTED depths the
 * next selection stands beside the first.
 */
import { describeAxis, sameAxis } from './axes.js';
import { SupernetError } from './errors.js';
import type { Followed } from './follow.js';
import type { Node } from './onnx/model.js';
import type { TensorInfo } from './ops/handler.js';
import type { DepthGroup, ElasticSpec, SubnetConfig } from './spec.js';

const MAX_NESTED = 16;

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
export function arrange(outputs: readonly string[], followed: Followed, spec: ElasticSpec): Depths {
  const producer = new Map(followed.nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  const places = new Map<Node, Place>();
  for (const [group, depth] of Object.entries(spec.depth)) {
    checkRun(group, depth, followed);
    for (const [index, block] of depth.blocks.entries()) {
      for (const node of blockNodes(group, block, followed, producer)) {
        const other = places.get(node);
        if (other !== undefined) {
          throw refuse(group, `node ${node.name || node.outputs[0]} lies in a block of ${other.group} too`);
        }
        places.set(node, { group, index });
      }
    }
    checkEnclosed(group, depth, followed, outputs, places);
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
    if (!same || !begin.axes.every((axis, k) => sameAxis(axis, end.axes[k] ?? []))) {
      throw refuse(
        group,
        `a block that can be left out must keep shape and channels, but ${from} is ${say(begin)} and ${to} is ${say(end)}`,
      );
    }
    const next = blocks[i + 1];
    if (next !== undefined && next.from !== to) {
      throw refuse(group, `block ${i + 1} ends with ${to}, but block ${i + 2} begins with ${next.from}`);
    }
  }
}

function say({ dims, axes }: TensorInfo): string {
  return `[${dims}] (${axes.map(describeAxis)})`;
}

/** The nodes between the two tensors: what `to` is computed from, back to `from` and no further. */
function blockNodes(
  group: string,
  block: { from: string; to: string },
  { initializers }: Followed,
  producer: ReadonlyMap<string, Node>,
): Set<Node> {
  const found = new Set<Node>();
  const open = [block.to];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === block.from || name === '' || initializers.has(name)) continue;
    const node = producer.get(name);
    if (node === undefined) throw refuse(group, `${block.to} is computed from ${name} past ${block.from}`);
    if (!found.has(node)) open.push(...node.inputs);
    found.add(node);
  }
  if (found.size === 0) throw refuse(group, `nothing lies between ${block.from} and ${block.to}`);
  return found;
}

/** Nothing outside a block may read what is computed inside it, except the last tensor of the run. */
function checkEnclosed(
  group: string,
  { blocks }: DepthGroup,
  { nodes }: Followed,
  outputs: readonly string[],
  places: ReadonlyMap<Node, Place>,
): void {
  const inside = new Map<string, Place>();
  for (const [node, place] of places) {
    if (place.group === group) for (const name of node.outputs) inside.set(name, place);
  }
  const last = blocks.at(-1)?.to;
  const readers = nodes.map((node) => ({ names: node.inputs, place: places.get(node), label: node.name }));
  readers.push({ names: [...outputs], place: undefined, label: 'the graph output' });
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
  const members = new Map<string, Node[]>();
  for (const node of nodes) {
    const place = places.get(node);
    if (place === undefined) continue;
    const key = `${place.group} ${place.index}`;
    const known = members.get(key);
    if (known === undefined) members.set(key, [node]);
    else known.push(node);
  }
  return nodes.flatMap((node): Step[] => {
    const place = places.get(node);
    if (place === undefined) return [{ node }];
    if (done.has(place.group)) return [];
    done.add(place.group);
    const depth = spec.depth[place.group];
    if (depth === undefined) return [];
    const blocks = depth.blocks.map((_, index) => members.get(`${place.group} ${index}`) ?? []);
    const levels = depth.depths.length;
    const begins = Array.from({ length: Math.ceil(levels / MAX_NESTED) }, (_, i) => i * MAX_NESTED);
    return begins.flatMap((begin) => nest(place.group, depth, blocks, begin, Math.min(levels, begin + MAX_NESTED)));
  });
}

/**
 * The blocks from depth `depths[level - 1]` to `depths[stop - 1]`, those of each further allowed depth inside one more
 * selection.
 */
function nest(group: string, depth: DepthGroup, blocks: readonly Node[][], level: number, stop: number): Step[] {
  const begin = level === 0 ? 0 : (depth.depths[level - 1] ?? 0);
  const end = depth.depths[level];
  const first = depth.blocks[begin];
  const last = depth.blocks[(depth.depths[stop - 1] ?? 0) - 1];
  if (end === undefined || last === undefined || level >= stop) return [];
  const body: Step[] = blocks.slice(begin, end).flatMap((nodes) => nodes.map((node) => ({ node })));
  const rest = nest(group, depth, blocks, level + 1, stop);
  if (level === 0 || first === undefined) return [...body, ...rest];
  return [{ select: { group, atLeast: end, from: first.from, to: last.to, body: [...body, ...rest] } }];
}
