/**
 * Walks a graph once, in order, and learns from the operators' handlers the shape of every computed tensor, which
 * channel group it belongs to, and which constants shrink with which group.
 */
import { SupernetError } from './errors.js';
import type { Model, Node, Tensor } from './onnx/model.js';
import { type Cut, type Extent, type Follower, fixed, label, ROWS, type TensorInfo } from './ops/handler.js';
import { OPS } from './ops/table.js';
import type { ElasticSpec } from './spec.js';

export interface Followed {
  /** The nodes, some replaced by equivalents that fit every subnet. */
  readonly nodes: readonly Node[];
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Cuts by node and input index, those with a fixed extent too; an input without an entry stays whole. */
  readonly cuts: ReadonlyMap<Node, ReadonlyMap<number, readonly Cut[]>>;
}

/** @throws SupernetError `unknown-op`, `unsupported-model`, `invalid-spec` */
export function follow(model: Model, spec: ElasticSpec): Followed {
  const walk = new Walk(model, spec);
  const nodes = model.graph.nodes.map((node) => walk.visit(node));
  walk.checkLayersSeen();
  return { nodes, tensors: walk.tensors, cuts: walk.cuts };
}

class Walk implements Follower {
  readonly opset: number;
  readonly tensors = new Map<string, TensorInfo>();
  readonly cuts = new Map<Node, Map<number, Cut[]>>();
  /** Channel group of each layer's weight. */
  private readonly groupOf = new Map<string, string>();
  private readonly seen = new Set<string>();
  private pending = new Map<number, Cut[]>();

  constructor(
    private readonly model: Model,
    private readonly spec: ElasticSpec,
  ) {
    this.opset = model.opsets.get('') ?? 0;
    for (const [group, { layers }] of Object.entries(spec.channels)) {
      for (const layer of layers) {
        const other = this.groupOf.get(layer);
        if (other !== undefined) {
          throw new SupernetError('invalid-spec', `Layer ${layer} stands in ${other} and again in ${group}.`);
        }
        this.groupOf.set(layer, group);
      }
    }
    for (const input of model.graph.inputs) {
      const [, ...sizes] = (input.dims ?? []).map((size) => (typeof size === 'number' ? size : 0));
      if (sizes.length === 0 || sizes.some((size) => size === 0)) {
        throw new SupernetError(
          'unsupported-model',
          `Input ${input.name} has shape [${input.dims}]; only its first size, the rows of a batch, may be open.`,
        );
      }
      const channels = fixed(sizes[0] ?? 0);
      this.tensors.set(input.name, { type: input.type, dims: [ROWS, ...sizes], channels });
    }
  }

  visit(node: Node): Node {
    const handler = node.domain === '' ? OPS.get(node.op) : undefined;
    if (handler === undefined) {
      const op = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
      throw new SupernetError('unknown-op', `Node ${node.name || node.outputs[0]} is ${op}, which is not supported.`);
    }
    this.pending = new Map();
    const used = handler(node, this);
    if (this.pending.size > 0) this.cuts.set(used, this.pending);
    return used;
  }

  constant(name: string | undefined): Tensor | undefined {
    return this.model.graph.initializers.get(name ?? '');
  }

  info(name: string | undefined): TensorInfo {
    const info = this.tensors.get(name ?? '');
    if (info !== undefined) return info;
    const what = this.constant(name) === undefined ? 'is computed by no node before it' : 'is a constant';
    throw new SupernetError('unsupported-model', `Tensor ${name || '(none)'} is used as data and ${what}.`);
  }

  produce(name: string | undefined, info: TensorInfo): void {
    if (name === undefined || this.tensors.has(name) || this.constant(name) !== undefined) {
      throw new SupernetError('corrupt-model', `Tensor ${name ?? '(none)'} is computed twice, or a constant too.`);
    }
    if (info.dims.some((size) => !Number.isInteger(size) || (size <= 0 && size !== ROWS))) {
      throw new SupernetError('unsupported-model', `Tensor ${name} would have the shape [${info.dims}].`);
    }
    this.tensors.set(name, info);
  }

  cut(node: Node, index: number, cuts: readonly Cut[]): void {
    const tensor = this.constant(node.inputs[index]);
    for (const { axis, extent } of cuts) {
      if (tensor?.dims[axis] !== extent.full) {
        throw new SupernetError(
          'unsupported-model',
          `${label(node)}: ${node.inputs[index]} has shape [${tensor?.dims}], not ${extent.full} along axis ${axis}.`,
        );
      }
    }
    this.pending.set(index, [...cuts]);
  }

  layerOutput(weight: string, full: number): Extent {
    const group = this.groupOf.get(weight);
    if (group === undefined) return fixed(full);
    this.seen.add(weight);
    const largest = this.spec.channels[group]?.sizes.at(-1);
    if (largest !== full) {
      throw new SupernetError(
        'invalid-spec',
        `Group ${group}: layer ${weight} has ${full} output channels, and the largest size allowed is ${largest}.`,
      );
    }
    return { group, full, per: 1 };
  }

  checkLayersSeen(): void {
    for (const [layer, group] of this.groupOf) {
      if (this.seen.has(layer)) continue;
      const what = this.constant(layer) === undefined ? 'no initializer has that name' : 'it is no weight of a layer';
      throw new SupernetError('invalid-spec', `Group ${group} names layer ${layer}, but ${what}.`);
    }
  }
}
