/**
 * Walks a graph once, in order, and learns from the operators' handlers the shape of every computed tensor, which
 * groups its axes belong to, and which constants shrink with which group. What can be worked out at once (shape
 * arithmetic, turned weights) leaves the graph.
 */
import { axis, fixedAxis, hasRows, MAX_RANK } from './axes.js';
import { Constants } from './constants.js';
import { SupernetError } from './errors.js';
import { type Extent, fixed, ofGroup } from './extent.js';
import type { Model, Node, Tensor, Value } from './onnx/model.js';
import { type Cut, type Follower, label, type TensorInfo, tensorInfo, unsupported } from './ops/handler.js';
import type { Known } from './ops/known.js';
import { OPS, since } from './ops/table.js';
import { type ElasticSpec, layersOf } from './spec.js';

/** The attribute `group` of a convolution in a subnet: the extent's size over `per`. */
export interface Grouping {
  readonly extent: Extent;
  readonly per: number;
}

export interface Followed {
  /** The nodes, some replaced by equivalents that fit every subnet. */
  readonly nodes: readonly Node[];
  /** The constants that these nodes read. */
  readonly initializers: Map<string, Tensor>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Cuts by node and input index, those with a fixed extent too; an input without an entry stays whole. */
  readonly cuts: ReadonlyMap<Node, ReadonlyMap<number, readonly Cut[]>>;
  /** By node and input index: constants (int64, of one axis) that hold other sizes in each subnet. */
  readonly sized: ReadonlyMap<Node, ReadonlyMap<number, readonly (number | Extent)[]>>;
  /** Convolutions whose attribute `group` changes with the subnet. */
  readonly grouped: ReadonlyMap<Node, Grouping>;
}

/** Elements of one row of a tensor: far above any network that can be trained. */
const MAX_ELEMENTS = 2 ** 40;

/** @throws SupernetError `unknown-op`, `unsupported-model`, `corrupt-model`, `invalid-spec` */
export function follow(model: Model, spec: ElasticSpec): Followed {
  const walk = new Walk(model, spec);
  const visited = model.graph.nodes.flatMap((node) => walk.visit(node));
  walk.checkLayersSeen();
  const nodes = needed(
    visited,
    model.graph.outputs.map(({ name }) => name),
  );
  const read = new Set(nodes.flatMap((node) => node.inputs));
  const initializers = new Map([...walk.constants.tensors].filter(([name]) => read.has(name)));
  return { nodes, initializers, tensors: walk.tensors, cuts: walk.cuts, sized: walk.sizes, grouped: walk.groupings };
}

/** The nodes that some output is computed from. */
function needed(nodes: readonly Node[], outputs: readonly string[]): Node[] {
  const wanted = new Set(outputs);
  const found: Node[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    found.push(node);
    for (const name of node.inputs) wanted.add(name);
  }
  return found.reverse();
}

class Walk implements Follower {
  readonly opset: number;
  readonly input: string;
  readonly tensors = new Map<string, TensorInfo>();
  readonly constants: Constants;
  readonly cuts = new Map<Node, Map<number, readonly Cut[]>>();
  readonly sizes = new Map<Node, Map<number, readonly (number | Extent)[]>>();
  readonly groupings = new Map<Node, Grouping>();
  /** Group of each layer's weight, and how many times the layer holds it. */
  private readonly layers = new Map<string, { group: string; parts: number }>();
  private readonly seen = new Set<string>();
  /** What layerName found: constants may be made of others in chains as long as the graph. */
  private readonly layerNames = new Map<string, string | undefined>();
  private readonly nodeNames = new Set<string>();

  constructor(
    model: Model,
    private readonly spec: ElasticSpec,
  ) {
    this.opset = model.opsets.get('') ?? 0;
    this.constants = new Constants(model.graph.initializers);
    for (const { group, weight, parts } of layersOf(spec)) {
      const other = this.layers.get(weight);
      if (other !== undefined) {
        throw new SupernetError('invalid-spec', `Layer ${weight} stands in ${other.group} and again in ${group}.`);
      }
      this.layers.set(weight, { group, parts });
    }
    this.input = model.graph.inputs[0]?.name ?? '';
    for (const input of model.graph.inputs) this.tensors.set(input.name, inputInfo(input));
  }

  visit(node: Node): readonly Node[] {
    if (this.constants.fold(node, this.tensors)) return [];
    const handler = node.domain === '' ? OPS.get(node.op) : undefined;
    const what = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
    const refusal = handler === undefined ? 'which is not supported' : since(node.op, this.opset);
    if (handler === undefined || refusal !== undefined) {
      throw new SupernetError('unknown-op', `Node ${node.name || node.outputs[0]} is ${what}, ${refusal}.`);
    }
    const used = handler(this.named(node), this);
    const nodes: readonly Node[] = 'op' in used ? [used] : used;
    this.checkReadable(nodes);
    return nodes;
  }

  /** Whatever a handler did not look at must be there all the same. */
  private checkReadable(nodes: readonly Node[]): void {
    const own = new Set(nodes.flatMap(({ outputs }) => outputs));
    for (const node of nodes) {
      const lost = node.inputs.find(
        (name) => name !== '' && !own.has(name) && !this.tensors.has(name) && this.constant(name) === undefined,
      );
      if (lost !== undefined) throw unsupported(node, `it reads ${lost}, which is neither computed nor a constant`);
    }
  }

  /** The node with a name that no other has: statistics are kept by it. */
  private named(node: Node): Node {
    const [output = ''] = node.outputs;
    let name = node.name === '' || this.nodeNames.has(node.name) ? output : node.name;
    for (let n = 1; this.nodeNames.has(name); n++) name = `${output}#${n}`;
    this.nodeNames.add(name);
    return name === node.name ? node : { ...node, name };
  }

  /** The name that the spec knows a weight by: its own, or that of the constant that it was made of. */
  private layerName(weight: string): string | undefined {
    const passed: string[] = [];
    let found: string | undefined;
    for (const name of this.constants.namesOf(weight)) {
      found = this.layerNames.get(name) ?? (this.layers.has(name) ? name : undefined);
      if (found !== undefined || this.layerNames.has(name)) break;
      passed.push(name);
    }
    for (const name of passed) this.layerNames.set(name, found);
    return found;
  }

  constant(name: string | undefined): Tensor | undefined {
    return this.constants.tensors.get(name ?? '');
  }

  known(name: string | undefined): Known | undefined {
    return this.constants.known(name ?? '');
  }

  info(name: string | undefined): TensorInfo {
    const info = this.tensors.get(name ?? '');
    if (info !== undefined) return info;
    const what = this.constants.isSymbol(name ?? '')
      ? 'is a size of the batch or of a subnet'
      : this.constant(name) === undefined
        ? 'is computed by no node before it'
        : 'is a constant';
    throw new SupernetError('unsupported-model', `Tensor ${name || '(none)'} is used as data and ${what}.`);
  }

  produce(name: string | undefined, info: TensorInfo): void {
    this.constants.checkNew(name, this.tensors);
    checkShape(name ?? '', info);
    this.tensors.set(name ?? '', info);
  }

  cut(node: Node, index: number, cuts: readonly Cut[]): void {
    const tensor = this.constant(node.inputs[index]);
    for (const { axis: along, extent } of cuts) {
      if (tensor?.dims[along] !== extent.full) {
        throw new SupernetError(
          'unsupported-model',
          `${label(node)}: ${node.inputs[index]} has shape [${tensor?.dims}], not ${extent.full} along axis ${along}.`,
        );
      }
    }
    this.cuts.set(node, new Map([...(this.cuts.get(node) ?? []), [index, cuts]]));
  }

  sized(node: Node, index: number, sizes: readonly (number | Extent)[]): void {
    this.sizes.set(node, new Map([...(this.sizes.get(node) ?? []), [index, sizes]]));
  }

  grouped(node: Node, extent: Extent, per: number): void {
    this.groupings.set(node, { extent, per });
  }

  addConstant(hint: string, tensor: Tensor): string {
    return this.constants.add(hint, tensor, (name) => this.tensors.has(name));
  }

  groupOf(weight: string): string | undefined {
    return this.layers.get(this.layerName(weight) ?? '')?.group;
  }

  sizesOf(group: string): readonly number[] {
    return this.spec.channels[group]?.sizes ?? [];
  }

  layerOutput(weight: string, full: number): Extent {
    const layer = this.layerName(weight);
    const member = this.layers.get(layer ?? '');
    if (layer === undefined || member === undefined) return fixed(full);
    const { group, parts } = member;
    this.seen.add(layer);
    const largest = this.sizesOf(group).at(-1) ?? 0;
    if (largest * parts !== full) {
      const times = parts === 1 ? '' : `${parts} times `;
      throw new SupernetError(
        'invalid-spec',
        `Group ${group}: layer ${layer} has ${full} output channels, and the largest size allowed is ${times}${largest}.`,
      );
    }
    return ofGroup(group, largest, parts);
  }

  /** Exporters that fold constants give weights names of their own. */
  private missing(): string {
    const renamed = [...this.constants.tensors.keys()].some((name) => name.startsWith('onnx::'));
    if (!renamed) return 'no initializer has that name';
    return (
      'no initializer has that name. The exporter seems to have renamed weights, as it does when it folds constants: ' +
      'export with training=torch.onnx.TrainingMode.PRESERVE and do_constant_folding=False'
    );
  }

  checkLayersSeen(): void {
    for (const [layer, { group }] of this.layers) {
      if (this.seen.has(layer)) continue;
      const what = this.constant(layer) === undefined ? this.missing() : 'it is no weight of a layer';
      throw new SupernetError('invalid-spec', `Group ${group} names layer ${layer}, but ${what}.`);
    }
  }
}

function inputInfo(input: Value): TensorInfo {
  const [rows] = input.dims ?? [];
  if (typeof rows === 'number') {
    throw new SupernetError(
      'unsupported-model',
      `Input ${input.name} has a fixed batch of ${rows}; export the network with its first size open (dynamic_axes).`,
    );
  }
  const [, ...sizes] = (input.dims ?? []).map((size) => (typeof size === 'number' ? size : 0));
  if (sizes.length === 0 || sizes.some((size) => size === 0)) {
    throw new SupernetError(
      'unsupported-model',
      `Input ${input.name} has shape [${input.dims}]; only its first size, the rows of a batch, may be open.`,
    );
  }
  const info = tensorInfo(input.type, [axis('rows'), ...sizes.map(fixedAxis)]);
  checkShape(input.name, info);
  return info;
}

function checkShape(name: string, { dims, axes }: TensorInfo): void {
  const wrong = axes.some((factors, i) => !hasRows(factors) && !(Number.isSafeInteger(dims[i]) && (dims[i] ?? 0) > 0));
  const count = dims.reduce((product, size) => product * Math.abs(size), 1);
  if (wrong || dims.length > MAX_RANK || !(count <= MAX_ELEMENTS)) throw unsupportedShape(name, dims);
}

function unsupportedShape(name: string, dims: readonly number[]): SupernetError {
  const said = dims.length > MAX_RANK ? `${dims.length} axes` : `the shape [${dims}]`;
  return new SupernetError('unsupported-model', `Tensor ${name} would have ${said}.`);
}
