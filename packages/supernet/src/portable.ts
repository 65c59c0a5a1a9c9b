/**
 * The portable form: one graph of plain ONNX operators that holds every subnet and is actuated by its inputs alone.
 *
 *   LayerSelect   `If` on the depth that a control input asks for
 *   WeightSlice   `Slice` of the shared weights, ends given by control inputs
 *   SubnetNorm    `Gather` of a table of scales and shifts by the subnet's index, folded into weight and bias
 *
 * Control inputs are int64: one of shape [1] per group, and the subnet's index, a scalar.
 */
import type { Select, Step } from './depth.js';
import { Scope } from './graph-builder.js';
import type { HostedSubnet } from './norms.js';
import { floatTensor, int64Tensor, type Model, type Node, type Tensor, type Value } from './onnx/model.js';
import type { Cut } from './ops/handler.js';
import { foldedNorms, scaleShift } from './subnet-norm.js';
import type { Supernet } from './supernet.js';

/** Name of the control input of a group. */
export function controlName(group: string): string {
  return `slackline.${group}`;
}

/** Name of the control input with the index of the active subnet. */
export const SUBNET_CONTROL = 'slackline.subnet';

export function portable(supernet: Supernet, subnets: readonly HostedSubnet[]): Model {
  return new Portable(supernet, subnets).build();
}

class Portable {
  private readonly folded: ReadonlyMap<Node, Node>;
  private readonly absorbed: ReadonlySet<Node>;

  constructor(
    private readonly supernet: Supernet,
    private readonly subnets: readonly HostedSubnet[],
  ) {
    this.folded = foldedNorms(supernet);
    this.absorbed = new Set(this.folded.values());
  }

  build(): Model {
    const { model, groups, depths } = this.supernet;
    const { inputs, outputs } = model.graph;
    const controls: Value[] = groups.map(({ name }) => ({ name: controlName(name), type: 'int64', dims: [1] }));
    controls.push({ name: SUBNET_CONTROL, type: 'int64', dims: [] });
    const scope = Scope.top<string>([...inputs, ...controls, ...outputs].map(({ name }) => name));
    for (const { name } of inputs) scope.define(name, name);
    this.steps(depths.steps, scope);
    for (const { name } of outputs) {
      const node = {
        op: 'Identity',
        domain: '',
        name,
        inputs: [this.read(name, scope)],
        outputs: [name],
        attributes: {},
      };
      scope.nodes.push(node);
    }
    return { ...model, graph: scope.toGraph('portable', [...inputs, ...controls], outputs) };
  }

  private steps(steps: readonly Step[], scope: Scope<string>): void {
    for (const step of steps) {
      if ('select' in step) this.select(step.select, scope);
      else if (!this.absorbed.has(step.node)) this.node(step.node, scope);
    }
  }

  private select({ group, atLeast, from, to, body }: Select, scope: Scope<string>): void {
    const bound = scope.constant(`${group}/at-least-${atLeast}`, int64Tensor([1], [atLeast]));
    const condition = scope.add('GreaterOrEqual', [controlName(group), bound], `${group}/runs-${atLeast}`);
    const deep = scope.branch();
    this.steps(body, deep);
    const shallow = scope.branch();
    const past = shallow.add('Identity', [this.read(from, scope)], `${to}/past`);
    const type = this.supernet.followed.tensors.get(to)?.type ?? 'float32';
    const branches = {
      then_branch: deep.toBranch(this.read(to, deep), type),
      else_branch: shallow.toBranch(past, type),
    };
    scope.define(to, scope.add('If', [condition], `${to}/selected`, branches));
  }

  private node(node: Node, scope: Scope<string>): void {
    const norm = this.folded.get(node);
    if (norm !== undefined) this.convolution(node, norm, scope);
    else if (node.op === 'BatchNormalization') this.normalization(node, scope);
    else this.define(node, scope, node.op, this.inputs(node, scope), node.attributes);
  }

  private define(
    node: Node,
    scope: Scope<string>,
    op: string,
    inputs: string[],
    attributes: Node['attributes'] = {},
  ): void {
    const [output = ''] = node.outputs;
    scope.define(output, scope.add(op, inputs, output, attributes));
  }

  private convolution(node: Node, norm: Node, scope: Scope<string>): void {
    const [x = '', weight = '', bias] = this.inputs(node, scope);
    const { scale, shift } = this.statistics(norm, scope);
    const perFilter = scope.constant('per-filter', PER_FILTER);
    const factor = scope.add('Reshape', [scale, perFilter], `${norm.name}/per-filter`);
    const scaled = scope.add('Mul', [weight, factor], `${norm.name}/weight`);
    const offset = bias ? scope.add('Mul', [bias, scale], `${norm.name}/offset`) : undefined;
    const total = offset === undefined ? shift : scope.add('Add', [offset, shift], `${norm.name}/bias`);
    const [output = ''] = norm.outputs;
    scope.define(output, scope.add('Conv', [x, scaled, total], output, node.attributes));
  }

  private normalization(node: Node, scope: Scope<string>): void {
    const { scale, shift } = this.statistics(node, scope);
    const rank = this.supernet.followed.tensors.get(node.inputs[0] ?? '')?.dims.length ?? 4;
    const shape = [-1, ...Array.from({ length: rank - 2 }, () => 1)];
    const perChannel = scope.constant(`per-channel-${rank}`, int64Tensor([shape.length], shape));
    const factor = scope.add('Reshape', [scale, perChannel], `${node.name}/factor`);
    const offset = scope.add('Reshape', [shift, perChannel], `${node.name}/offset`);
    const scaled = scope.add('Mul', [this.read(node.inputs[0] ?? '', scope), factor], `${node.name}/scaled`);
    this.define(node, scope, 'Add', [scaled, offset]);
  }

  /** The active subnet's scale and shift, each [channels in use]. */
  private statistics(norm: Node, scope: Scope<string>): { scale: string; shift: string } {
    const channels = this.supernet.followed.tensors.get(norm.inputs[0] ?? '')?.channels.full ?? 0;
    const rows = this.subnets.map((subnet) => scaleShift(this.supernet, norm, subnet.statistics));
    const cuts = this.supernet.followed.cuts.get(norm)?.get(1) ?? [];
    const pick = (what: 'scale' | 'shift'): string => {
      const values = new Float32Array(rows.length * channels);
      for (const [i, row] of rows.entries()) values.set(row?.[what] ?? [], i * channels);
      const table = scope.constant(`${norm.name}/${what}-table`, floatTensor([rows.length, channels], values));
      const row = scope.add('Gather', [table, SUBNET_CONTROL], `${norm.name}/${what}`, { axis: 0 });
      return this.slice(row, cuts, scope);
    };
    return { scale: pick('scale'), shift: pick('shift') };
  }

  private inputs(node: Node, scope: Scope<string>): string[] {
    return node.inputs.map((name, index) => {
      const constant = this.supernet.model.graph.initializers.get(name);
      if (constant === undefined) return this.read(name, scope);
      const cuts = this.supernet.followed.cuts.get(node)?.get(index) ?? [];
      const key = `${name} ${cuts.map(({ axis, extent }) => `${axis}:${extent.group}*${extent.per}`)}`;
      return scope.once(key, () => this.slice(scope.constant(name, constant), cuts, scope));
    });
  }

  private slice(data: string, all: readonly Cut[], scope: Scope<string>): string {
    const cuts = all.filter(({ extent }) => extent.group !== undefined);
    if (cuts.length === 0) return data;
    const ends = cuts.map(({ extent: { group = '', per } }) => {
      if (per === 1) return controlName(group);
      const times = scope.constant(`times-${per}`, int64Tensor([1], [per]));
      return scope.once(`${group}*${per}`, () => scope.add('Mul', [controlName(group), times], `${group}/features`));
    });
    const [only = ''] = ends;
    const end =
      ends.length === 1 ? only : scope.once(`ends ${ends}`, () => scope.add('Concat', ends, 'ends', { axis: 0 }));
    const axes = cuts.map(({ axis }) => axis);
    const zeros = int64Tensor(
      [axes.length],
      axes.map(() => 0),
    );
    const starts = scope.once(`zeros ${axes.length}`, () => scope.constant('zeros', zeros));
    const along = scope.once(`axes ${axes}`, () => scope.constant('axes', int64Tensor([axes.length], axes)));
    return scope.add('Slice', [data, starts, end, along], `${data}/used`);
  }

  private read(tensor: string, scope: Scope<string>): string {
    return scope.value(tensor) ?? tensor;
  }
}

const PER_FILTER: Tensor = int64Tensor([4], [-1, 1, 1, 1]);
