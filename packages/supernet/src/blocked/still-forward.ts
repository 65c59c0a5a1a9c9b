/**
 * The forward graph of one subnet of any network that the compiler understands: convolutions, pools and what works on
 * each element in ONNX Runtime's blocked layout where that holds them, everything else as it stands, and the weights as
 * inputs. forward.ts does the same for all subnets of a depth at once, for networks whose channels are all that is
 * elastic; it also actuates faster, from weights that are blocked already.
 */
import { Scope } from '../graph-builder.js';
import { normName } from '../norms.js';
import { elements, int64Tensor, type Node, type Tensor, type Value } from '../onnx/model.js';
import { attribute, channelsOf } from '../ops/handler.js';
import type { Supernet } from '../supernet.js';
import { convolutionAttributes, type ForwardGraph } from './forward.js';
import { type FusedConvolution, type Fusion, fuse } from './fusion.js';
import { roundUp } from './layout.js';
import { affineParameter, type Parameter } from './parameters.js';
import { NCHWC, type Placed, Placement, REORDER_MULTIPLE, unavailable } from './placement.js';
import { isPixelMean, poolsBlocks } from './pools.js';
import type { Still } from './provenance.js';
import { type StillConvolution, type StillLayout, stillBias, stillConstant, stillWeight } from './still-parameters.js';

/** Of each element alone: right on blocks, whatever they are filled up with. */
const ELEMENTWISE = [
  ...['Clip', 'Elu', 'Erf', 'HardSigmoid', 'HardSwish', 'Identity', 'LeakyRelu', 'Relu', 'Selu', 'Sigmoid', 'Softplus'],
  'Tanh',
];
const ARITHMETIC = ['Add', 'Mul', 'Sub'];
/** Smaller constants stay in the graph: they cost less there than as inputs, and fusions want to see them. */
const SMALL_ELEMENTS = 64;

export function stillForwardGraph(still: Still, block: number): ForwardGraph {
  return new StillForward(still, block).build();
}

class StillForward {
  private readonly supernet: Supernet;
  private readonly fusion: Fusion;
  private readonly placement: Placement;
  private readonly parameters: Parameter[] = [];
  private readonly scope: Scope<Placed>;

  constructor(
    private readonly still: Still,
    private readonly block: number,
  ) {
    this.supernet = still.supernet;
    this.fusion = fuse(this.supernet);
    this.placement = new Placement(this.supernet, block);
    const { inputs, outputs } = this.supernet.model.graph;
    this.scope = Scope.top<Placed>([...inputs, ...outputs].map(({ name }) => name));
    for (const { name } of inputs) this.scope.define(name, plain(name));
  }

  build(): ForwardGraph {
    const { model } = this.supernet;
    const { inputs, outputs, nodes } = model.graph;
    for (const node of nodes) this.node(node);
    for (const { name } of outputs) {
      const from = this.placement.plain(name, this.scope).name;
      this.scope.nodes.push({ op: 'Identity', domain: '', name, inputs: [from], outputs: [name], attributes: {} });
    }
    const weights = this.parameters.map(({ name, dims }): Value => ({ name, type: 'float32', dims: dims({}) }));
    return {
      model: {
        ...model,
        opsets: new Map([...model.opsets, [NCHWC, 1]]),
        graph: this.scope.toGraph('still', [...inputs, ...weights], outputs),
      },
      parameters: this.parameters,
      controls: [],
    };
  }

  private node(node: Node): void {
    const fused = this.fusion.at.get(node);
    if (this.fusion.absorbed.has(node)) return;
    const data = node.inputs.filter((name) => name !== '' && !this.supernet.model.graph.initializers.has(name));
    const blocked = data.length > 0 && data.every((name) => this.placement.isBlocked(name, this.scope));
    if (fused !== undefined) this.convolution(fused);
    else if (node.op === 'BatchNormalization') this.normalization(node);
    else if (blocked && poolsBlocks(node)) this.onBlocks(node, data, NCHWC);
    else if (blocked && isPixelMean(node, this.supernet.model.graph.initializers)) this.mean(node, data);
    else if (blocked && ELEMENTWISE.includes(node.op)) this.onBlocks(node, node.inputs, '');
    else if (blocked && ARITHMETIC.includes(node.op) && this.sameShape(data)) this.onBlocks(node, data, '');
    else if (blocked && node.op === 'Mul' && this.isGate(data)) this.gate(node, data);
    else if (blocked && node.op === 'Concat' && this.wholeBlocks(node, data)) this.onBlocks(node, data, '');
    else this.plainNode(node);
  }

  private convolution(fused: FusedConvolution): void {
    const { conv, sum, relu, output } = fused;
    const [x = '', weightName = ''] = conv.inputs;
    const weight = this.supernet.model.graph.initializers.get(weightName);
    const grouping = weight && this.grouping(conv, weight, x);
    if (weight === undefined) throw unavailable(`${weightName} is computed`);
    if (grouping === undefined) {
      this.plainConvolution(fused, weight);
      return;
    }
    const { direct, group, reads } = grouping;
    const input = reads === 'plain' ? this.placement.plain(x, this.scope) : this.placement.blocked(x, this.scope);
    const inputs = [input.name, ...this.weights(fused, weight, { block: this.block, direct })];
    if (sum !== undefined) inputs.push(this.placement.blocked(sum, this.scope).name);
    const attributes = { ...convolutionAttributes(conv, weight.dims.slice(2), relu), group };
    const name = this.scope.add('Conv', inputs, output, attributes, NCHWC);
    this.scope.define(output, { name, blocked: true, padded: false });
  }

  /** How the layout holds a convolution; undefined where it does not. */
  private grouping(
    conv: Node,
    { dims: [out = 0, into = 0] }: Tensor,
    x: string,
  ): { direct: boolean; group: number; reads: 'plain' | 'blocks' } | undefined {
    const groups = attribute(conv, 'group', 'int', 1);
    const isBlocked = this.placement.isBlocked(x, this.scope);
    const { full } = channelsOf(this.placement.info(x));
    if (this.placement.info(x).dims.length !== 4) return undefined;
    if (groups === 1 && into < this.block && !isBlocked) return { direct: true, group: 1, reads: 'plain' };
    if (!isBlocked && full % REORDER_MULTIPLE !== 0) return undefined;
    if (groups === 1) return { direct: false, group: 1, reads: 'blocks' };
    if (into === 1 && out === groups) return { direct: true, group: roundUp(out, this.block), reads: 'blocks' };
    const whole = into % this.block === 0 && (out / groups) % this.block === 0;
    return whole ? { direct: false, group: groups, reads: 'blocks' } : undefined;
  }

  /** A convolution that the layout cannot hold, with its normalization folded into it all the same. */
  private plainConvolution(fused: FusedConvolution, weight: Tensor): void {
    const { conv, sum, relu, output } = fused;
    const inputs = [this.placement.plain(conv.inputs[0] ?? '', this.scope).name, ...this.weights(fused, weight)];
    let name = this.scope.add('Conv', inputs, output, conv.attributes);
    if (sum !== undefined) name = this.scope.add('Add', [name, this.placement.plain(sum, this.scope).name], output);
    if (relu) name = this.scope.add('Relu', [name], output);
    this.scope.define(output, plain(name));
  }

  /** Weight and bias, the normalization folded in; names of the inputs. */
  private weights({ conv, norm }: FusedConvolution, weight: Tensor, layout?: StillLayout): string[] {
    const [, weightName = '', biasName = ''] = conv.inputs;
    const bias = this.supernet.model.graph.initializers.get(biasName);
    const still: StillConvolution = {
      node: conv,
      norm: norm === undefined ? undefined : normName(norm),
      dims: weight.dims,
      weight: this.sourceOf(weightName, weight),
      bias: bias === undefined ? undefined : this.sourceOf(biasName, bias),
    };
    const name = this.fresh();
    return [this.add(stillWeight(name, still, layout)), this.add(stillBias(`${name}b`, still, layout?.block ?? 1))];
  }

  /** The mean over height and width: a global pool, and where the axes go, a view of it. */
  private mean(node: Node, [x = '']: readonly string[]): void {
    const [output = ''] = node.outputs;
    const input = this.placement.placed(x, this.scope);
    const pooled = this.scope.add('GlobalAveragePool', [input.name], `${output}/pooled`, {}, NCHWC);
    const value: Placed = { name: pooled, blocked: true, padded: false };
    if (attribute(node, 'keepdims', 'int', 1) === 1) {
      this.scope.define(output, value);
      return;
    }
    const info = this.placement.info(x);
    const channels = channelsOf(info);
    const single = { ...info, dims: [-1, channels.full, 1, 1] };
    const flat = this.placement.leaveBlocks(value, single, this.scope);
    this.scope.define(output, plain(this.scope.add('Flatten', [flat.name], output, { axis: 1 })));
  }

  /** A tensor times one value per channel: blocks are seen as an axis of their own, over which the value is spread. */
  private gate(node: Node, data: readonly string[]): void {
    const [output = ''] = node.outputs;
    const channels = roundUp(channelsOf(this.placement.info(output)).full, this.block);
    const [, , height = 1, width = 1] = this.placement.info(output).dims;
    const factors = data.map((name) => {
      const [, , h = 1, w = 1] = this.placement.info(name).dims;
      const shape = [0, channels / this.block, h * w, this.block];
      return this.scope.add(
        'Reshape',
        [this.placement.placed(name, this.scope).name, this.shape(shape)],
        `${output}/in`,
      );
    });
    const product = this.scope.add('Mul', factors, `${output}/product`);
    const name = this.scope.add('Reshape', [product, this.shape([0, channels, height, width])], output);
    this.scope.define(output, { name, blocked: true, padded: false });
  }

  /** @param data what is computed of the inputs: one name where the other is a constant */
  private isGate([a = '', b = '', ...others]: readonly string[]): boolean {
    if (b === '') return false;
    const [left, right] = [this.placement.info(a).dims, this.placement.info(b).dims];
    const single = [left, right].some(([, , h, w]) => h === 1 && w === 1);
    return others.length === 0 && single && left[1] === right[1] && left.length === 4 && right.length === 4;
  }

  private sameShape([a = '', b = '', ...others]: readonly string[]): boolean {
    if (b === '' || others.length > 0) return false;
    return this.placement.info(a).dims.join() === this.placement.info(b).dims.join();
  }

  /** Channels in whole blocks can be put one after the other. */
  private wholeBlocks(node: Node, data: readonly string[]): boolean {
    const whole = data.every((name) => channelsOf(this.placement.info(name)).full % this.block === 0);
    return attribute(node, 'axis', 'int', 0) === 1 && whole;
  }

  private normalization(norm: Node): void {
    const [x = '', output = ''] = [norm.inputs[0], norm.outputs[0]];
    const input = this.placement.plain(x, this.scope);
    const info = this.placement.info(x);
    const channels = { group: undefined, full: channelsOf(info).full, per: 1, unit: 1 };
    const [scale = '', shift = ''] = (['scale', 'shift'] as const).map((what) =>
      this.add(affineParameter(this.fresh(), norm, what, channels, info.dims.length, 1)),
    );
    const scaled = this.scope.add('Mul', [input.name, scale], `${output}/scaled`);
    this.scope.define(output, plain(this.scope.add('Add', [scaled, shift], output)));
  }

  /** A node that works on blocked tensors as they are; what of its inputs is constant stays so. */
  private onBlocks(node: Node, inputs: readonly string[], domain: string): void {
    const [output = ''] = node.outputs;
    const { initializers } = this.supernet.model.graph;
    const names = inputs.map((name) => {
      const constant = initializers.get(name);
      if (name === '' || constant !== undefined)
        return constant === undefined ? name : this.scope.constant(name, constant);
      return this.placement.placed(name, this.scope).name;
    });
    const name = this.scope.add(node.op, names, output, node.attributes, domain);
    this.scope.define(output, { name, blocked: true, padded: false });
  }

  /** Any other node, on plain tensors. */
  private plainNode(node: Node): void {
    const { initializers } = this.supernet.model.graph;
    const inputs = node.inputs.map((name) => {
      const constant = initializers.get(name);
      if (name === '' || constant === undefined) return name === '' ? '' : this.placement.plain(name, this.scope).name;
      const source = this.still.source(name);
      if (source === undefined || elements(constant.dims) < SMALL_ELEMENTS) return this.scope.constant(name, constant);
      return this.scope.once(`weight ${name}`, () => {
        return plain(this.add(stillConstant(this.fresh(), node, constant.dims, source)));
      }).name;
    });
    const outputs = this.scope.addAll(node.op, inputs, node.outputs, node.attributes);
    for (const [i, output] of node.outputs.entries()) this.scope.define(output, plain(outputs[i] ?? ''));
  }

  private shape(dims: number[]): string {
    return this.scope.constant(`shape-${dims.join('-')}`, int64Tensor([dims.length], dims));
  }

  private sourceOf(name: string, constant: Tensor): () => Tensor {
    return this.still.source(name) ?? (() => constant);
  }

  private fresh(): string {
    // No tensor of a network is called that.
    return `slackline/w${this.parameters.length}`;
  }

  private add(parameter: Parameter): string {
    this.parameters.push(parameter);
    return parameter.name;
  }
}

function plain(name: string): Placed {
  return { name, blocked: false, padded: false };
}
