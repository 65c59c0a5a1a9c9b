/**
 * The portable form: one graph of plain ONNX operators that holds every subnet and is actuated by its inputs alone.
 *
 *   LayerSelect   `If` on the depth that a control input asks for
 *   WeightSlice   `Slice` of the shared weights, ends given by control inputs (weight-slice.ts)
 *   SubnetNorm    `Gather` of a table of scales and shifts by the subnet's index, folded into weight and bias
 *
 * Control inputs are int64: one of shape [1] per group, and the subnet's index, a scalar.
 */
import type { Select, Step } from './depth.js';
import { SupernetError } from './errors.js';
import { fixed, isElastic, possibleSizes } from './extent.js';
import { Scope } from './graph-builder.js';
import type { HostedSubnet } from './norms.js';
import { floatTensor, int64Tensor, type Model, type Node, type Value } from './onnx/model.js';
import { channelsOf, label } from './ops/handler.js';
import { foldedNorms, scaleShift } from './subnet-norm.js';
import type { Supernet } from './supernet.js';
import { controlName, sizeInput, sizesInput, slice, sliceTo } from './weight-slice.js';

export { controlName } from './weight-slice.js';

/** Name of the control input with the index of the active subnet; no group's is like it. */
export const SUBNET_CONTROL = 'slackline/subnet';

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
    else if (this.supernet.followed.grouped.has(node)) {
      const [output = ''] = node.outputs;
      scope.define(output, this.addConvolution(node, this.inputs(node, scope), output, scope));
    } else this.plainNode(node, scope);
  }

  private plainNode(node: Node, scope: Scope<string>): void {
    const inputs = this.inputs(node, scope);
    const outputs = scope.addAll(node.op, inputs, node.outputs, node.attributes);
    for (const [i, name] of node.outputs.entries()) scope.define(name, outputs[i] ?? name);
  }

  private convolution(node: Node, norm: Node, scope: Scope<string>): void {
    const [x = '', weight = '', bias] = this.inputs(node, scope);
    const { scale, shift } = this.statistics(norm, scope);
    const rank = this.supernet.followed.tensors.get(norm.outputs[0] ?? '')?.dims.length ?? 4;
    const shape = [-1, ...Array.from({ length: rank - 1 }, () => 1)];
    const perFilter = scope.once(`per-filter ${rank}`, () => scope.constant('per-filter', int64Tensor([rank], shape)));
    const factor = scope.add('Reshape', [scale, perFilter], `${norm.name}/per-filter`);
    const scaled = scope.add('Mul', [weight, factor], `${norm.name}/weight`);
    const offset = bias ? scope.add('Mul', [bias, scale], `${norm.name}/offset`) : undefined;
    const total = offset === undefined ? shift : scope.add('Add', [offset, shift], `${norm.name}/bias`);
    const [output = ''] = norm.outputs;
    scope.define(output, this.addConvolution(node, [x, scaled, total], output, scope));
  }

  /** A convolution; one whose number of groups follows the subnet, once for each number, since it is an attribute. */
  private addConvolution(node: Node, inputs: string[], output: string, scope: Scope<string>): string {
    const grouping = this.supernet.followed.grouped.get(node);
    if (grouping === undefined) return scope.add('Conv', inputs, output, node.attributes);
    const { extent, per } = grouping;
    const sizes = possibleSizes(extent, (group) => this.supernet.spec.channels[group]?.sizes ?? []);
    if (sizes === undefined) {
      throw new SupernetError('unsupported-model', `${label(node)} can have too many different numbers of groups.`);
    }
    const size = sizeInput(extent, scope);
    const type = this.supernet.followed.tensors.get(node.outputs[0] ?? '')?.type ?? 'float32';
    const among = (choices: readonly number[], inside: Scope<string>): string => {
      const [only = 1] = choices;
      if (choices.length === 1) {
        const group = { kind: 'int' as const, value: only / per };
        return inside.add('Conv', inputs, output, { ...node.attributes, group });
      }
      const half = choices.length >> 1;
      const bound = inside.constant(`${choices[half]}`, int64Tensor([1], [choices[half] ?? 0]));
      const condition = inside.add('Less', [size, bound], `${output}/fewer`);
      const branches = [choices.slice(0, half), choices.slice(half)].map((part) => {
        const branch = inside.branch();
        return branch.toBranch(among(part, branch), type);
      });
      const [thenBranch, elseBranch] = branches;
      if (thenBranch === undefined || elseBranch === undefined) return '';
      return inside.add('If', [condition], `${output}/grouped`, { then_branch: thenBranch, else_branch: elseBranch });
    };
    return among(sizes, scope);
  }

  private normalization(node: Node, scope: Scope<string>): void {
    const { scale, shift } = this.statistics(node, scope);
    const rank = this.supernet.followed.tensors.get(node.inputs[0] ?? '')?.dims.length ?? 4;
    const shape = [-1, ...Array.from({ length: rank - 2 }, () => 1)];
    const perChannel = scope.once(`per-channel ${rank}`, () =>
      scope.constant('per-channel', int64Tensor([shape.length], shape)),
    );
    const factor = scope.add('Reshape', [scale, perChannel], `${node.name}/factor`);
    const offset = scope.add('Reshape', [shift, perChannel], `${node.name}/offset`);
    const scaled = scope.add('Mul', [this.read(node.inputs[0] ?? '', scope), factor], `${node.name}/scaled`);
    const [output = ''] = node.outputs;
    scope.define(output, scope.add('Add', [scaled, offset], output));
  }

  /** The active subnet's scale and shift, each [channels in use]. */
  private statistics(norm: Node, scope: Scope<string>): { scale: string; shift: string } {
    const info = this.supernet.followed.tensors.get(norm.inputs[0] ?? '');
    const extent = info === undefined ? fixed(0) : channelsOf(info);
    const channels = extent.full;
    const rows = this.subnets.map((subnet) => scaleShift(this.supernet, norm, subnet));
    const pick = (what: 'scale' | 'shift'): string => {
      const values = new Float32Array(rows.length * channels);
      for (const [i, row] of rows.entries()) values.set(row?.[what] ?? [], i * channels);
      const table = scope.constant(`${norm.name}/${what}-table`, floatTensor([rows.length, channels], values));
      const row = scope.add('Gather', [table, SUBNET_CONTROL], `${norm.name}/${what}`, { axis: 0 });
      // A row holds what the subnet uses without gaps, whatever parts its channels are made of.
      return isElastic(extent) ? sliceTo(row, sizeInput(extent, scope), scope) : row;
    };
    return { scale: pick('scale'), shift: pick('shift') };
  }

  private inputs(node: Node, scope: Scope<string>): string[] {
    return node.inputs.map((name, index) => {
      const constant = this.supernet.model.graph.initializers.get(name);
      if (constant === undefined) return this.read(name, scope);
      const { cuts, sized } = this.supernet.followed;
      const sizes = sized.get(node)?.get(index);
      if (sizes !== undefined) return sizesInput(sizes, scope);
      const own = cuts.get(node)?.get(index) ?? [];
      const key = `${name} ${JSON.stringify(own.map(({ axis, extent }) => [axis, extent.parts]))}`;
      return scope.once(key, () => slice(scope.constant(name, constant), constant.dims, own, scope));
    });
  }

  private read(tensor: string, scope: Scope<string>): string {
    return scope.value(tensor) ?? tensor;
  }
}
