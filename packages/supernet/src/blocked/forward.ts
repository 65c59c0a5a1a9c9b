/**
 * The blocked form's forward graph: convolutions, pools and what lies between them in ONNX Runtime's NCHWc layout, with
 * the weights as inputs, already sliced, scaled and blocked. A graph is either for one choice of depths, or for all of
 * them with depth chosen by `If` as in the portable form. The first is faster for small subnets, where each input that
 * is fed to a run (about 1.4 us) and each `If` counts; the second is one graph however many depths are hosted.
 *
 * The operators of the domain com.microsoft.nchwc are those that ONNX Runtime's own optimizer writes (its session
 * option `optimizedModelFilePath` shows them).
 */
import type { Select, Step } from '../depth.js';
import { isElastic } from '../extent.js';
import { Scope } from '../graph-builder.js';
import { int64Tensor, type Model, type Node, type Value } from '../onnx/model.js';
import { attribute, type Cut, channelsOf, label } from '../ops/handler.js';
import { controlName } from '../portable.js';
import type { SubnetConfig } from '../spec.js';
import type { Supernet } from '../supernet.js';
import { type FusedConvolution, type Fusion, fuse } from './fusion.js';
import { affineParameter, convolutionParameters, type Parameter, plainParameter } from './parameters.js';
import { NCHWC, type Placed, Placement, unavailable } from './placement.js';
import { poolsBlocks } from './pools.js';
import { partOf, requirePlain } from './prefixes.js';
import type { BlockedStore } from './store.js';

export interface ForwardGraph {
  readonly model: Model;
  readonly parameters: readonly Parameter[];
  /** Depth groups that the graph takes as control inputs. */
  readonly controls: readonly string[];
}

/**
 * @param depths the size of each depth group; left out, the graph holds all depths and takes them as control inputs
 * @throws SupernetError `blocked-unavailable` when this network has a part that the layout cannot hold
 */
export function forwardGraph(supernet: Supernet, store: BlockedStore, depths?: SubnetConfig): ForwardGraph {
  return new Forward(supernet, store, depths).build();
}

class Forward {
  private readonly fusion: Fusion;
  private readonly parameters: Parameter[] = [];
  private readonly block: number;
  private readonly placement: Placement;

  constructor(
    private readonly supernet: Supernet,
    private readonly store: BlockedStore,
    private readonly depths: SubnetConfig | undefined,
  ) {
    requirePlain(supernet);
    this.fusion = fuse(supernet);
    this.block = store.block;
    this.placement = new Placement(supernet, store.block);
  }

  build(): ForwardGraph {
    const { model, depths, spec } = this.supernet;
    const { inputs, outputs } = model.graph;
    const groups = this.depths === undefined ? Object.keys(spec.depth) : [];
    const controls = groups.map((group): Value => ({ name: controlName(group), type: 'int64', dims: [1] }));
    const scope = Scope.top<Placed>([...inputs, ...controls, ...outputs].map(({ name }) => name));
    for (const { name } of inputs) scope.define(name, { name, blocked: false, padded: false });
    this.steps(depths.steps, scope);
    for (const { name } of outputs) {
      const from = this.placement.plain(name, scope).name;
      scope.nodes.push({ op: 'Identity', domain: '', name, inputs: [from], outputs: [name], attributes: {} });
    }
    const weights = this.parameters.map(({ name, rank }): Value => {
      return { name, type: 'float32', dims: Array.from({ length: rank }, (_, axis) => `${name}/${axis}`) };
    });
    const graph = scope.toGraph('blocked', [...inputs, ...controls, ...weights], outputs);
    return {
      model: { ...model, opsets: new Map([...model.opsets, [NCHWC, 1]]), graph },
      parameters: this.parameters,
      controls: groups,
    };
  }

  private steps(steps: readonly Step[], scope: Scope<Placed>): void {
    for (const step of steps) {
      if ('select' in step && this.depths !== undefined) this.choose(step.select, this.depths, scope);
      else if ('select' in step) this.select(step.select, scope);
      else this.node(step.node, scope);
    }
  }

  /** LayerSelect with the depth known: the blocks are there or they are not. */
  private choose({ group, atLeast, from, to, body }: Select, depths: SubnetConfig, scope: Scope<Placed>): void {
    if ((depths[group] ?? 0) >= atLeast) this.steps(body, scope);
    else scope.define(to, this.placement.placed(from, scope));
  }

  private select({ group, atLeast, from, to, body }: Select, scope: Scope<Placed>): void {
    const bound = scope.constant(`${group}/at-least-${atLeast}`, int64Tensor([1], [atLeast]));
    const condition = scope.add('GreaterOrEqual', [controlName(group), bound], `${group}/runs-${atLeast}`);
    // Blocks of convolutions want blocked input; converting it out here serves both branches.
    const convolves = body.some((step) => 'node' in step && step.node.op === 'Conv');
    const input =
      convolves && this.placement.info(from).dims.length === 4
        ? this.placement.blocked(from, scope)
        : this.placement.placed(from, scope);
    scope.define(from, input);
    const deep = scope.branch();
    this.steps(body, deep);
    const result = input.blocked ? this.placement.blocked(to, deep) : this.placement.plain(to, deep);
    if (result.padded !== input.padded) throw unavailable(`${from} and ${to} would be padded differently`);
    const shallow = scope.branch();
    const past = shallow.add('Identity', [input.name], `${to}/past`);
    const type = this.placement.info(to).type;
    const branches = { then_branch: deep.toBranch(result.name, type), else_branch: shallow.toBranch(past, type) };
    scope.define(to, { ...input, name: scope.add('If', [condition], `${to}/selected`, branches) });
  }

  private node(node: Node, scope: Scope<Placed>): void {
    const fused = this.fusion.at.get(node);
    const [first = '', second = ''] = node.inputs;
    if (fused !== undefined) this.convolution(fused, scope);
    else if (this.fusion.absorbed.has(node)) return;
    else if (node.op === 'BatchNormalization') this.normalization(node, scope);
    else if (node.op === 'ReduceMean') this.mean(node, scope);
    else if (poolsBlocks(node) && this.placement.isBlocked(first, scope)) this.onBlocks(node, scope, NCHWC);
    else if (node.op === 'Relu' && this.placement.isBlocked(first, scope)) this.onBlocks(node, scope, '');
    else if (node.op === 'Add' && this.placement.isBlocked(first, scope) && this.placement.isBlocked(second, scope)) {
      this.onBlocks(node, scope, '');
    } else this.plainNode(node, scope);
  }

  private convolution({ conv, norm, sum, relu, output }: FusedConvolution, scope: Scope<Placed>): void {
    const [x = '', weightName = '', biasName = ''] = conv.inputs;
    const { initializers } = this.supernet.model.graph;
    const weight = initializers.get(weightName);
    if (weight?.type !== 'float32') throw unavailable(`${weightName} is not float32`);
    const [, into = 0, ...kernel] = weight.dims;
    // Filled up to whole blocks it has more channels than the weight.
    const { blocked, padded } = this.placement.placed(x, scope);
    const direct = into < this.block && !blocked && !padded;
    const input = direct ? this.placement.plain(x, scope) : this.placement.blocked(x, scope);
    const parameters = convolutionParameters({
      name: parameterName(conv),
      node: conv,
      norm,
      weights: this.store.get(weightName, weight, direct),
      bias: initializers.get(biasName),
      kernel,
      out: partOf(channelsOf(this.placement.info(conv.outputs[0] ?? ''))),
      into: partOf(channelsOf(this.placement.info(x))),
    });
    this.parameters.push(parameters.weight, parameters.bias);
    const inputs = [input.name, parameters.weight.name, parameters.bias.name];
    if (sum !== undefined) inputs.push(this.placement.blocked(sum, scope).name);
    const name = scope.add('Conv', inputs, output, convolutionAttributes(conv, kernel, relu), NCHWC);
    scope.define(output, { name, blocked: true, padded: false });
  }

  private normalization(norm: Node, scope: Scope<Placed>): void {
    const [x = '', output = ''] = [norm.inputs[0], norm.outputs[0]];
    const input = this.placement.plain(x, scope);
    const info = this.placement.info(x);
    const [channels, { dims }] = [partOf(channelsOf(info)), info];
    const block = input.padded ? this.block : 1;
    const [scale, shift] = (['scale', 'shift'] as const).map((what) => {
      const parameter = affineParameter(`${parameterName(norm)}/${what}`, norm, what, channels, dims.length, block);
      this.parameters.push(parameter);
      return parameter.name;
    });
    const scaled = scope.add('Mul', [input.name, scale ?? ''], `${output}/scaled`);
    scope.define(output, { ...input, name: scope.add('Add', [scaled, shift ?? ''], output) });
  }

  /** The mean over height and width: a global pool, and where the axes go, a view of it. */
  private mean(node: Node, scope: Scope<Placed>): void {
    const [x = '', output = ''] = [node.inputs[0], node.outputs[0]];
    if (!this.placement.isBlocked(x, scope)) {
      this.plainNode(node, scope);
      return;
    }
    const pooled = scope.add(
      'GlobalAveragePool',
      [this.placement.placed(x, scope).name],
      `${output}/pooled`,
      {},
      NCHWC,
    );
    const keeps = attribute(node, 'keepdims', 'int', 1) === 1;
    const value: Placed = { name: pooled, blocked: true, padded: false };
    if (keeps) {
      scope.define(output, value);
      return;
    }
    const flat = this.placement.leaveBlocks(
      value,
      { ...this.placement.info(x), dims: [-1, channelsOf(this.placement.info(x)).full, 1, 1] },
      scope,
    );
    scope.define(output, { ...flat, name: scope.add('Flatten', [flat.name], output, { axis: 1 }) });
  }

  /** A node that works on blocked tensors as they are. */
  private onBlocks(node: Node, scope: Scope<Placed>, domain: string): void {
    const [output = ''] = node.outputs;
    const inputs = node.inputs.map((name) => this.placement.placed(name, scope).name);
    scope.define(output, {
      name: scope.add(node.op, inputs, output, node.attributes, domain),
      blocked: true,
      padded: false,
    });
  }

  /** Any other node: on plain tensors, with constants that shrink as parameters. */
  private plainNode(node: Node, scope: Scope<Placed>): void {
    const { initializers } = this.supernet.model.graph;
    const data = node.inputs.filter((name) => name !== '' && !initializers.has(name));
    const placed = new Map(data.map((name) => [name, this.placement.plain(name, scope)]));
    const padded = [...placed.values()].some((value) => value.padded);
    if (padded && [...placed.values()].some((value) => !value.padded)) {
      throw unavailable(`${label(node)} joins a tensor filled up to whole blocks with one that is not`);
    }
    const linear = node.op === 'Gemm' || node.op === 'MatMul';
    const inputAxis = linear ? attribute(node, 'transB', 'int', 0) : undefined;
    const inputs = node.inputs.map((name, index) => {
      const cuts = this.supernet.followed.cuts.get(node)?.get(index) ?? [];
      const block = (cut: Cut): number => {
        const meetsInput = linear ? index === 1 && cut.axis === inputAxis : true;
        return padded && meetsInput ? this.block : 1;
      };
      return placed.get(name)?.name ?? this.constantInput(node, index, cuts, block, linear ? 0 : 1, scope);
    });
    const [output = ''] = node.outputs;
    const name = scope.add(node.op, inputs, output, node.attributes);
    scope.define(output, { name, blocked: false, padded: padded && !linear });
  }

  private constantInput(
    node: Node,
    index: number,
    cuts: readonly Cut[],
    block: (cut: Cut) => number,
    filler: number,
    scope: Scope<Placed>,
  ): string {
    const name = node.inputs[index] ?? '';
    const constant = this.supernet.model.graph.initializers.get(name);
    if (constant === undefined) return name;
    const shaping = cuts.filter((cut) => isElastic(cut.extent) || block(cut) > 1);
    if (shaping.length === 0) return scope.constant(name, constant);
    if (constant.type !== 'float32') throw unavailable(`${name} is ${constant.type}`);
    const sized = cuts.map((cut) => ({ ...cut, block: block(cut) }));
    const parameter = plainParameter(`${parameterName(node)}/${index}`, node, constant, sized, filler);
    this.parameters.push(parameter);
    return parameter.name;
  }
}

/** What the names of a node's parameters begin with: no tensor of a network is called like that. */
function parameterName(node: Node): string {
  return `slackline/${node.outputs[0]}`;
}

/** What the layout's convolution is told; `group` for one that is not grouped. */
export function convolutionAttributes(
  conv: Node,
  kernel: number[],
  relu: boolean,
): Record<string, number | number[] | string> {
  return {
    auto_pad: 'NOTSET',
    group: 1,
    kernel_shape: kernel,
    dilations: attribute(conv, 'dilations', 'ints', [1, 1]),
    pads: attribute(conv, 'pads', 'ints', [0, 0, 0, 0]),
    strides: attribute(conv, 'strides', 'ints', [1, 1]),
    ...(relu ? { activation: 'Relu' } : {}),
  };
}
