/** Builds small networks with pseudo-random weights, written as ONNX by this package's own writer. For tests. */
import { floatTensor, int64Tensor, type Model, makeNode, type Tensor, type Value } from '../onnx/model.js';

/** Numbers in [-1, 1) that follow from the seed. */
export function randomFloats(count: number, seed: number): Float32Array {
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

interface Shaped {
  readonly name: string;
  readonly channels: number;
}

interface ConvOptions {
  kernel?: number;
  stride?: number;
  bias?: boolean;
  /** Half the kernel unless given. */
  pad?: number;
}

/** One method per layer; each returns the tensor that it computes, called after the layer. */
export class Network {
  private readonly nodes: Model['graph']['nodes'] = [];
  private readonly initializers = new Map<string, Tensor>();
  private readonly input: Value;
  private seed = 1;

  constructor(
    dims: [channels: number, height: number, width: number],
    private readonly opset = 14,
    type: 'uint8' | 'float32' = 'float32',
  ) {
    this.input = { name: 'image', type, dims: ['n', ...dims] };
  }

  /** The input as floats. */
  begin(): Shaped {
    const channels = Number(this.input.dims?.[1]);
    if (this.input.type === 'float32') return { name: 'image', channels };
    this.nodes.push(makeNode('Cast', ['image'], ['float'], { to: 1 }));
    return this.op('Mul', { name: 'float', channels }, 'scaled', this.constant('scale', [], [1 / 255]));
  }

  conv(name: string, x: Shaped, channels: number, options: ConvOptions = {}): Shaped {
    const { kernel = 3, stride = 1, bias = false, pad = (kernel - 1) / 2 } = options;
    const dims = [channels, x.channels, kernel, kernel];
    const weight = this.random(`${name}.weight`, dims, Math.sqrt(2 / (x.channels * kernel * kernel)));
    const inputs = [x.name, weight, ...(bias ? [this.random(`${name}.bias`, [channels], 0.5)] : [])];
    const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] };
    this.nodes.push(makeNode('Conv', inputs, [name], attributes));
    return { name, channels };
  }

  norm(name: string, x: Shaped): Shaped {
    const parameter = (what: string, scale: number, offset: number) => {
      const values = randomFloats(x.channels, this.seed++).map((value) => offset + scale * value);
      return this.constant(`${name}.${what}`, [x.channels], values);
    };
    const inputs = [x.name, parameter('weight', 0.5, 1), parameter('bias', 0.3, 0)];
    inputs.push(parameter('running_mean', 0.2, 0), parameter('running_var', 0.4, 1));
    const epsilon = { kind: 'float' as const, value: Math.fround(1e-5) };
    this.nodes.push(makeNode('BatchNormalization', inputs, [name], { epsilon }));
    return { name, channels: x.channels };
  }

  /** Any operator that keeps the channels. */
  op(op: string, x: Shaped, name: string, ...others: (string | Shaped)[]): Shaped {
    const inputs = [x.name, ...others.map((other) => (typeof other === 'string' ? other : other.name))];
    this.nodes.push(makeNode(op, inputs, [name]));
    return { name, channels: x.channels };
  }

  /** A node of any kind; the tensor that it computes is called `name`. */
  add(op: string, inputs: string[], name: string, attributes: Parameters<typeof makeNode>[3] = {}): string {
    this.nodes.push(makeNode(op, inputs, [name], attributes));
    return name;
  }

  integers(name: string, values: number[]): string {
    this.initializers.set(name, int64Tensor([values.length], values));
    return name;
  }

  /** A depthwise convolution. */
  depthwise(name: string, x: Shaped, stride = 1): Shaped {
    const weight = this.random(`${name}.weight`, [x.channels, 1, 3, 3], Math.sqrt(2 / 9));
    const attributes = { kernel_shape: [3, 3], strides: [stride, stride], pads: [1, 1, 1, 1], group: x.channels };
    this.nodes.push(makeNode('Conv', [x.name, weight], [name], attributes));
    return { name, channels: x.channels };
  }

  /** A grouped convolution with a bias. */
  grouped(name: string, x: Shaped, channels: number, groups: number): Shaped {
    const weight = this.random(`${name}.weight`, [channels, x.channels / groups, 3, 3], 0.4);
    const inputs = [x.name, weight, this.random(`${name}.bias`, [channels], 0.5)];
    this.nodes.push(makeNode('Conv', inputs, [name], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], group: groups }));
    return { name, channels };
  }

  concat(name: string, ...parts: Shaped[]): Shaped {
    const names = parts.map((part) => part.name);
    this.nodes.push(makeNode('Concat', names, [name], { axis: 1 }));
    return { name, channels: parts.reduce((sum, { channels }) => sum + channels, 0) };
  }

  relu(name: string, x: Shaped): Shaped {
    return this.op('Relu', x, name);
  }

  pool(op: 'MaxPool' | 'AveragePool', name: string, x: Shaped): Shaped {
    const attributes = { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] };
    this.nodes.push(makeNode(op, [x.name], [name], attributes));
    return { name, channels: x.channels };
  }

  /** Conv, BatchNormalization, Relu; the tensors are called `name.conv`, `name.norm` and `name`. */
  layer(name: string, x: Shaped, channels: number, options?: ConvOptions): Shaped {
    return this.relu(name, this.norm(`${name}.norm`, this.conv(`${name}.conv`, x, channels, options)));
  }

  /** A residual block of two convolutions. */
  block(name: string, x: Shaped, inner: number): Shaped {
    const middle = this.layer(`${name}.in`, x, inner);
    const out = this.norm(`${name}.norm`, this.conv(`${name}.out.conv`, middle, x.channels));
    return this.relu(name, this.op('Add', out, `${name}.sum`, x));
  }

  /** [n, c, h, w] to [n, c * pixels]. */
  flatten(x: Shaped, pixels = 1): Shaped {
    this.nodes.push(makeNode('Flatten', [x.name], ['flat'], { axis: 1 }));
    return { name: 'flat', channels: x.channels * pixels };
  }

  /** Flatten by the reshape that PyTorch's `view` becomes. */
  reshape(x: Shaped, pixels = 1): Shaped {
    const shape = int64Tensor([2], [-1, x.channels * pixels]);
    this.initializers.set('shape', shape);
    this.nodes.push(makeNode('Reshape', [x.name, 'shape'], ['flat']));
    return { name: 'flat', channels: x.channels * pixels };
  }

  /** Mean over height and width, without the two axes. */
  mean(x: Shaped): Shaped {
    if (this.opset >= 18) {
      this.initializers.set('axes', int64Tensor([2], [2, 3]));
      this.nodes.push(makeNode('ReduceMean', [x.name, 'axes'], ['mean'], { keepdims: 0 }));
    } else {
      this.nodes.push(makeNode('ReduceMean', [x.name], ['mean'], { axes: [2, 3], keepdims: 0 }));
    }
    return { name: 'mean', channels: x.channels };
  }

  gemm(name: string, x: Shaped, out: number): Shaped {
    const inputs = [
      x.name,
      this.random(`${name}.weight`, [out, x.channels], 0.5),
      this.random(`${name}.bias`, [out], 1),
    ];
    this.nodes.push(makeNode('Gemm', inputs, [name], { transB: 1 }));
    return { name, channels: out };
  }

  matMul(name: string, x: Shaped, out: number): Shaped {
    this.nodes.push(makeNode('MatMul', [x.name, this.random(`${name}.weight`, [x.channels, out], 0.5)], [name]));
    return { name, channels: out };
  }

  constant(name: string, dims: number[], values: ArrayLike<number>): string {
    this.initializers.set(name, floatTensor(dims, values));
    return name;
  }

  random(name: string, dims: number[], scale: number): string {
    const count = dims.reduce((product, size) => product * size, 1);
    return this.constant(
      name,
      dims,
      randomFloats(count, this.seed++).map((value) => scale * value),
    );
  }

  build(output: Shaped): Model {
    const outputs: Value[] = [{ name: output.name, type: 'float32', dims: undefined }];
    const { nodes, initializers } = this;
    const graph = { name: 'test', inputs: [this.input], outputs, nodes, initializers };
    return { irVersion: 8, opsets: new Map([['', this.opset]]), graph };
  }
}
