/**
 * What is known when a graph is compiled: its constants, the small tensors worked out from shapes, and the nodes that
 * compute nothing else, which leave the graph.
 */
import { fixedAxis, MAX_RANK } from './axes.js';
import { SupernetError } from './errors.js';
import type { Node, Tensor } from './onnx/model.js';
import { evaluate, moved, shapeOf } from './ops/fold.js';
import { type TensorInfo, tensorInfo } from './ops/handler.js';
import { Budget, type Known, knownTensor, toTensor } from './ops/known.js';
import { walkLength } from './ops/strided.js';

/** Turned weights may take that many times the memory of the weights, and as much more for small files. */
const MAX_COPIES = 4;
const FREE_COPIES = 2 ** 26;

export class Constants {
  readonly tensors: Map<string, Tensor>;
  /** Small tensors that hold a size of the batch or of a subnet, and so are no constants. */
  private readonly symbols = new Map<string, Known>();
  /** What a turned, cut or renamed constant was made of. */
  private readonly origins = new Map<string, string>();
  private readonly budget = new Budget();
  private copiesLeft: number;

  constructor(initializers: ReadonlyMap<string, Tensor>) {
    this.tensors = new Map(initializers);
    const held = [...initializers.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
    this.copiesLeft = MAX_COPIES * held + FREE_COPIES;
  }

  has(name: string): boolean {
    return this.tensors.has(name) || this.symbols.has(name);
  }

  isSymbol(name: string): boolean {
    return this.symbols.has(name);
  }

  /** The name and, where it was made of another constant, that one's, and so on. */
  *namesOf(constant: string): Generator<string> {
    for (let name: string | undefined = constant; name !== undefined; name = this.origins.get(name)) yield name;
  }

  known(name: string): Known | undefined {
    const symbol = this.symbols.get(name);
    if (symbol !== undefined) return symbol;
    const tensor = this.tensors.get(name);
    const found = tensor && knownTensor(tensor);
    this.budget.spend(found === undefined ? 0 : walkLength(found.dims));
    return found;
  }

  /** Adds a constant under that name or one like it, and returns its name. */
  add(hint: string, tensor: Tensor, taken: (name: string) => boolean): string {
    let name = hint;
    for (let n = 1; this.has(name) || taken(name); n++) name = `${hint}#${n}`;
    this.tensors.set(name, tensor);
    return name;
  }

  /**
   * Works a node out if its inputs are known; `computed` are the tensors that are not. True if it was.
   * @throws SupernetError `corrupt-model`, `unsupported-model`
   */
  fold(node: Node, computed: ReadonlyMap<string, TensorInfo>): boolean {
    if (node.domain !== '' || node.outputs.length !== 1) return false;
    const [output = ''] = node.outputs;
    const [first = ''] = node.inputs;
    const info = computed.get(first);
    if (node.op === 'Shape' && info !== undefined) {
      return this.keep(output, shapeOf(node, info), computed);
    }
    const names = node.inputs.slice(0, node.inputs.findLastIndex((name) => name !== '') + 1);
    if (names.length === 0 || !names.every((name) => name === '' || this.has(name))) return false;
    const sizes = this.tensors.get(first)?.dims ?? this.symbols.get(first)?.dims ?? [];
    if (node.op === 'Shape') {
      return this.keep(output, shapeOf(node, tensorInfo('int64', sizes.map(fixedAxis))), computed);
    }
    if (this.move(node, computed)) return true;
    // An evaluator tells inputs apart by their places.
    const inputs = names.includes('') ? [] : names.flatMap((name) => this.known(name) ?? []);
    const found = inputs.length === names.length ? evaluate(node, inputs, this.budget) : undefined;
    return found !== undefined && this.keep(output, found, computed);
  }

  /** A constant of any size that is only turned, cut or viewed anew. */
  private move(node: Node, computed: ReadonlyMap<string, TensorInfo>): boolean {
    const [first = '', ...others] = node.inputs;
    const [output = ''] = node.outputs;
    const data = this.tensors.get(first);
    if (data === undefined || others.some((name) => name !== '' && !this.tensors.has(name))) return false;
    const made = moved(
      node,
      data,
      others.map((name) => this.tensors.get(name)),
    );
    if (made === undefined) return false;
    this.checkNew(output, computed);
    if (made.bytes.buffer !== data.bytes.buffer) this.copiesLeft -= made.bytes.length;
    if (this.copiesLeft < 0) {
      throw new SupernetError(
        'unsupported-model',
        `The constants copied up to ${output} take more than a network needs.`,
      );
    }
    this.tensors.set(output, made);
    this.origins.set(output, first);
    return true;
  }

  private keep(name: string, known: Known, computed: ReadonlyMap<string, TensorInfo>): true {
    this.checkNew(name, computed);
    if (known.dims.length > MAX_RANK) {
      throw new SupernetError('unsupported-model', `Tensor ${name} would have ${known.dims.length} axes.`);
    }
    const tensor = toTensor(known);
    if (tensor === undefined) this.symbols.set(name, known);
    else this.tensors.set(name, tensor);
    return true;
  }

  /** @throws SupernetError `corrupt-model` when there is a tensor of that name */
  checkNew(name: string | undefined, computed: ReadonlyMap<string, TensorInfo>): void {
    if (name !== undefined && !computed.has(name) && !this.has(name)) return;
    throw new SupernetError('corrupt-model', `Tensor ${name ?? '(none)'} is computed twice, or a constant too.`);
  }
}
