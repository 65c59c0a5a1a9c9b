/**
 * A supernet of the size of ResNet-50 with random weights, elastic as Once-for-All's is: the width of each stage, the
 * inner width of each block, and the number of blocks of each stage (https://arxiv.org/abs/1908.09791, appendix).
 * 25.5 million parameters. Sizes are rounded to multiples of 16.
 */
import { floatTensor, type Model, makeNode, type Node, type Tensor } from '../onnx/model.js';

const SIDE = 224;
const CLASSES = 1000;
const STEM = 64;
/** Blocks at most, width and inner width of each stage. */
const STAGES = [
  { blocks: 3, width: 256, inner: 64 },
  { blocks: 4, width: 512, inner: 128 },
  { blocks: 6, width: 1024, inner: 256 },
  { blocks: 3, width: 2048, inner: 512 },
] as const;
const WIDTHS = [0.65, 0.8, 1];
const INNERS = [0.5, 0.75, 1];
/** Blocks that a stage can go without. */
const OPTIONAL_BLOCKS = 2;

interface Shaped {
  readonly name: string;
  readonly channels: number;
}

interface Spec {
  channels: Record<string, { layers: string[]; sizes: number[] }>;
  depth: Record<string, { blocks: { from: string; to: string }[]; depths: number[] }>;
}

/** Numbers in [0, 1) from a seed: mulberry32. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function resnet(): { model: Model; spec: Spec } {
  const built = new ResNet();
  return { model: built.model, spec: built.spec };
}

class ResNet {
  readonly spec: Spec = { channels: {}, depth: {} };
  private readonly nodes: Node[] = [];
  private readonly initializers = new Map<string, Tensor>();
  private readonly draw = random(1);

  get model(): Model {
    const inputs = [{ name: 'image', type: 'uint8' as const, dims: ['n', 3, SIDE, SIDE] }];
    const outputs = [{ name: 'logits', type: 'float32' as const, dims: ['n', CLASSES] }];
    const { nodes, initializers } = this;
    return {
      irVersion: 8,
      opsets: new Map([['', 13]]),
      graph: { name: 'resnet', inputs, outputs, nodes, initializers },
    };
  }

  constructor() {
    this.add('Cast', ['image'], 'float', { to: 1 });
    this.initializers.set('scale', floatTensor([], [1 / 255]));
    this.add('Mul', ['float', 'scale'], 'scaled');
    const stem = this.layer('stem', { name: 'scaled', channels: 3 }, STEM, 7, 2, true);
    this.add('MaxPool', [stem.name], 'pooled', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
    let x: Shaped = { name: 'pooled', channels: STEM };
    for (const index of STAGES.keys()) x = this.stage(index, x);
    this.add('GlobalAveragePool', [x.name], 'features');
    this.add('Flatten', ['features'], 'flat', { axis: 1 });
    this.weight('fc.weight', [CLASSES, x.channels], x.channels);
    this.weight('fc.bias', [CLASSES], 1);
    this.add('Gemm', ['flat', 'fc.weight', 'fc.bias'], 'logits', { transB: 1 });
  }

  private stage(index: number, input: Shaped): Shaped {
    const stage = STAGES[index];
    if (stage === undefined) return input;
    const { blocks, width, inner } = stage;
    const layers: string[] = [];
    const ends: string[] = [];
    let x = input;
    for (let block = 0; block < blocks; block++) {
      const name = `stage${index}.${block}`;
      const stride = block === 0 && index > 0 ? 2 : 1;
      const first = this.layer(`${name}.reduce`, x, inner, 1, 1, true);
      const second = this.layer(`${name}.spatial`, first, inner, 3, stride, true);
      const third = this.layer(`${name}.expand`, second, width, 1, 1, false);
      const past = block === 0 ? this.layer(`${name}.shortcut`, x, width, 1, stride, false) : x;
      this.add('Add', [third.name, past.name], `${name}.sum`);
      this.add('Relu', [`${name}.sum`], name);
      layers.push(`${name}.expand.weight`, ...(block === 0 ? [`${name}.shortcut.weight`] : []));
      this.spec.channels[`inner${index}_${block}`] = {
        layers: [`${name}.reduce.weight`, `${name}.spatial.weight`],
        sizes: INNERS.map((share) => sixteens(share * inner)),
      };
      ends.push(name);
      x = { name, channels: width };
    }
    this.spec.channels[`width${index}`] = { layers, sizes: WIDTHS.map((share) => sixteens(share * width)) };
    const optional = ends.slice(-OPTIONAL_BLOCKS - 1);
    this.spec.depth[`depth${index}`] = {
      blocks: optional.slice(1).map((to, i) => ({ from: optional[i] ?? '', to })),
      depths: Array.from({ length: OPTIONAL_BLOCKS + 1 }, (_, depth) => depth),
    };
    return x;
  }

  /** Convolution and normalization, and Relu where wanted. */
  private layer(name: string, x: Shaped, channels: number, kernel: number, stride: number, relu: boolean): Shaped {
    const weight = this.weight(`${name}.weight`, [channels, x.channels, kernel, kernel], x.channels * kernel * kernel);
    const pad = (kernel - 1) / 2;
    const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] };
    this.add('Conv', [x.name, weight], `${name}.conv`, attributes);
    const parameters = ['gamma', 'beta', 'mean', 'variance'].map((what) => `${name}.${what}`);
    for (const [i, parameter] of parameters.entries()) {
      const value = i === 0 || i === 3 ? 1 : 0;
      this.initializers.set(parameter, floatTensor([channels], new Float32Array(channels).fill(value)));
    }
    this.add('BatchNormalization', [`${name}.conv`, ...parameters], relu ? `${name}.norm` : name);
    if (relu) this.add('Relu', [`${name}.norm`], name);
    return { name, channels };
  }

  private weight(name: string, dims: number[], fanIn: number): string {
    const count = dims.reduce((product, size) => product * size, 1);
    const scale = Math.sqrt(6 / fanIn);
    const values = Float32Array.from({ length: count }, () => scale * (2 * this.draw() - 1));
    this.initializers.set(name, { type: 'float32', dims, bytes: new Uint8Array(values.buffer) });
    return name;
  }

  private add(op: string, inputs: string[], output: string, attributes: Record<string, number | number[]> = {}): void {
    this.nodes.push(makeNode(op, inputs, [output], attributes));
  }
}

function sixteens(channels: number): number {
  return Math.max(1, Math.round(channels / 16)) * 16;
}
