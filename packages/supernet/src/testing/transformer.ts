/** A small transformer supernet, written the way torch writes one. For tests. */

import type { Model } from '../onnx/model.js';
import { Network } from './network.js';

export interface TransformerSizes {
  readonly layers: number;
  /** Numbers of heads, ascending; each head has `headSize` channels. */
  readonly heads: readonly number[];
  readonly headSize: number;
  readonly hidden: readonly number[];
  readonly depths: readonly number[];
  /** From 17 on with LayerNormalization, before with its parts. */
  readonly opset?: number;
}

const DIM = 12;

/** Patches of a [n, 1, 8, 8] image as 16 tokens of 12 channels, then layers of attention and a feed-forward network. */
export function transformer(sizes: TransformerSizes): { model: Model; spec: object } {
  const { layers, heads, headSize, hidden, depths, opset = 17 } = sizes;
  const net = new Network([1, 8, 8], opset);
  const write = new Writer(net, opset);
  const patches = net.conv('patch', net.begin(), DIM, { kernel: 2, stride: 2, bias: true, pad: 0 });
  // x.flatten(2) as torch writes it: the first two sizes, then what is left.
  const shape = net.add('Shape', [patches.name], 'shape');
  const bounds = [net.integers('zero', [0]), net.integers('two', [2]), 'zero'];
  const kept = net.add('Slice', [shape, ...bounds], 'kept');
  const flatShape = net.add('Concat', [kept, net.integers('minus', [-1])], 'flat.shape', { axis: 0 });
  const flat = net.add('Reshape', [patches.name, flatShape], 'flat');
  const tokens = net.add('Transpose', [flat], 'tokens', { perm: [0, 2, 1] });
  let x = net.add('Add', [tokens, net.random('position', [1, 16, DIM], 0.5)], 'embedded');
  const ends = [x];
  for (let layer = 0; layer < layers; layer++) {
    x = write.layer(`layers.${layer}`, x, (heads.at(-1) ?? 1) * headSize, headSize, hidden.at(-1) ?? 1);
    ends.push(x);
  }
  const pooled = write.mean(write.norm('norm', x), 1, 'pooled');
  const logits = net.gemm('logits', { name: pooled, channels: DIM }, 5);
  const numbers = Array.from({ length: layers }, (_, i) => i);
  const channels = Object.fromEntries(
    numbers.flatMap((i) => [
      [
        `heads${i}`,
        { layers: ['q', 'k', 'v'].map((p) => `layers.${i}.${p}.weight`), sizes: heads.map((n) => n * headSize) },
      ],
      [`hidden${i}`, { layers: [`layers.${i}.up.weight`], sizes: hidden }],
    ]),
  );
  const blocks = numbers.map((i) => ({ from: ends[i], to: ends[i + 1] }));
  return { model: net.build(logits), spec: { channels, depth: { depth: { blocks, depths } } } };
}

class Writer {
  constructor(
    private readonly net: Network,
    private readonly opset: number,
  ) {}

  layer(name: string, x: string, width: number, headSize: number, hidden: number): string {
    const { net } = this;
    const y = this.norm(`${name}.norm1`, x);
    const [q, k, v] = ['q', 'k', 'v'].map((part) => this.heads(`${name}.${part}`, y, width, headSize));
    const turned = net.add('Transpose', [k ?? ''], `${name}.kt`, { perm: [0, 1, 3, 2] });
    const scores = net.add('MatMul', [q ?? '', turned], `${name}.scores`);
    const scaled = net.add('Div', [scores, net.constant(`${name}.root`, [], [Math.sqrt(headSize)])], `${name}.scaled`);
    const weights = net.add('Softmax', [scaled], `${name}.weights`, { axis: -1 });
    const mixed = net.add('MatMul', [weights, v ?? ''], `${name}.mixed`);
    const back = net.add('Transpose', [mixed], `${name}.back`, { perm: [0, 2, 1, 3] });
    const merged = net.add('Reshape', [back, this.shapeLike(`${name}.merged`, x, [16, width])], `${name}.merged`);
    const attended = net.add('Add', [x, this.linear(`${name}.out`, merged, width, DIM)], `${name}.attended`);
    const up = this.linear(`${name}.up`, this.norm(`${name}.norm2`, attended), DIM, hidden);
    const down = this.linear(`${name}.down`, this.gelu(name, up), hidden, DIM);
    return net.add('Add', [attended, down], `${name}.output`);
  }

  /** `x.view(x.shape[0], 16, heads, headSize).transpose(1, 2)` of a linear layer. */
  private heads(name: string, x: string, width: number, headSize: number): string {
    const y = this.linear(name, x, DIM, width);
    const shape = this.shapeLike(`${name}.split`, x, [16, width / headSize, headSize]);
    const split = this.net.add('Reshape', [y, shape], `${name}.split`);
    return this.net.add('Transpose', [split], `${name}.heads`, { perm: [0, 2, 1, 3] });
  }

  /** The batch as it is read from `x`, then these sizes. */
  private shapeLike(name: string, x: string, sizes: number[]): string {
    const { net } = this;
    const shape = net.add('Shape', [x], `${name}.shape`);
    const first = net.add('Gather', [shape, net.integers(`${name}.first`, [0])], `${name}.batch`, { axis: 0 });
    return net.add('Concat', [first, net.integers(`${name}.sizes`, sizes)], `${name}.sizes.all`, { axis: 0 });
  }

  /** A linear layer without constant folding: the weight is turned in the graph, the bias comes first. */
  private linear(name: string, x: string, into: number, out: number): string {
    const { net } = this;
    const weight = net.random(`${name}.weight`, [out, into], Math.sqrt(3 / into));
    const turned = net.add('Transpose', [weight], `${name}.turned`, { perm: [1, 0] });
    const product = net.add('MatMul', [x, turned], `${name}.product`);
    return net.add('Add', [net.random(`${name}.bias`, [out], 0.5), product], `${name}.added`);
  }

  /** x / 2 * (1 + erf(x / sqrt 2)) */
  private gelu(name: string, x: string): string {
    const { net } = this;
    const part = net.add('Div', [x, net.constant(`${name}.sqrt2`, [], [Math.SQRT2])], `${name}.gelu.part`);
    const erf = net.add('Erf', [part], `${name}.gelu.erf`);
    const more = net.add('Add', [erf, net.constant(`${name}.one`, [], [1])], `${name}.gelu.more`);
    const product = net.add('Mul', [x, more], `${name}.gelu.product`);
    return net.add('Mul', [product, net.constant(`${name}.half`, [], [0.5])], `${name}.gelu`);
  }

  norm(name: string, x: string): string {
    const { net } = this;
    const scale = net.random(`${name}.weight`, [DIM], 1);
    const shift = net.random(`${name}.bias`, [DIM], 0.5);
    if (this.opset >= 17) return net.add('LayerNormalization', [x, scale, shift], name, { axis: -1 });
    const centred = net.add('Sub', [x, this.mean(x, -1, `${name}.mean`, 1)], `${name}.centred`);
    const squared = net.add('Pow', [centred, net.constant(`${name}.two`, [], [2])], `${name}.squared`);
    const variance = this.mean(squared, -1, `${name}.variance`, 1);
    const safe = net.add('Add', [variance, net.constant(`${name}.epsilon`, [], [1e-5])], `${name}.safe`);
    const normal = net.add('Div', [centred, net.add('Sqrt', [safe], `${name}.root`)], `${name}.normal`);
    const scaled = net.add('Mul', [normal, scale], `${name}.scaled`);
    return net.add('Add', [scaled, shift], name);
  }

  mean(x: string, axis: number, name: string, keepdims = 0): string {
    if (this.opset < 18) return this.net.add('ReduceMean', [x], name, { axes: [axis], keepdims });
    return this.net.add('ReduceMean', [x, this.net.integers(`${name}.axes`, [axis])], name, { keepdims });
  }
}
