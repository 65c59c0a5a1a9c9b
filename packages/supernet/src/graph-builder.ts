/** Builds graphs with subgraphs: names stay unique across all of them, constants are kept once, at the top. */
import {
  type Attribute,
  type DataType,
  type Graph,
  makeNode,
  type Node,
  type Tensor,
  type Value,
} from './onnx/model.js';

type Attributes = Record<string, number | number[] | string | Attribute>;

interface Names {
  readonly used: Set<string>;
  readonly initializers: Map<string, Tensor>;
}

/** One graph or branch in the making, with what is known in it; a branch sees all that its surroundings know. */
export class Scope<V> {
  readonly nodes: Node[] = [];
  private readonly values = new Map<string, V>();
  private readonly made = new Map<string, V>();

  private constructor(
    private readonly names: Names,
    private readonly parent: Scope<V> | undefined,
  ) {}

  /** `reserved`: names of inputs and outputs, which no computed tensor may take. */
  static top<V>(reserved: Iterable<string>): Scope<V> {
    return new Scope<V>({ used: new Set(reserved), initializers: new Map() }, undefined);
  }

  branch(): Scope<V> {
    return new Scope<V>(this.names, this);
  }

  /** Adds a node with one output, whose name begins with `hint`, and returns that name. */
  add(op: string, inputs: string[], hint: string, attributes: Attributes = {}, domain = ''): string {
    const output = this.fresh(hint);
    this.nodes.push(makeNode(op, inputs, [output], attributes, domain));
    return output;
  }

  /** Adds a node with these outputs, or with names like them, and returns their names. */
  addAll(op: string, inputs: string[], hints: readonly string[], attributes: Attributes): string[] {
    const outputs = hints.map((hint) => this.fresh(hint));
    this.nodes.push(makeNode(op, inputs, outputs, attributes));
    return outputs;
  }

  constant(name: string, tensor: Tensor): string {
    if (this.names.initializers.get(name) === tensor) return name;
    const unique = this.fresh(name);
    this.names.initializers.set(unique, tensor);
    return unique;
  }

  /** What stands for a tensor of the original graph here. */
  value(tensor: string): V | undefined {
    return this.values.get(tensor) ?? this.parent?.value(tensor);
  }

  define(tensor: string, value: V): void {
    this.values.set(tensor, value);
  }

  /** Makes something once per scope that can see it. */
  once(key: string, make: () => V): V {
    const known = this.lookup(key);
    if (known !== undefined) return known;
    const made = make();
    this.made.set(key, made);
    return made;
  }

  private lookup(key: string): V | undefined {
    return this.made.get(key) ?? this.parent?.lookup(key);
  }

  /** This scope as a branch of `If` whose only output is `output`. */
  toBranch(output: string, type: DataType): Attribute {
    const outputs: Value[] = [{ name: output, type, dims: undefined }];
    const graph: Graph = { name: output, inputs: [], outputs, nodes: this.nodes, initializers: new Map() };
    return { kind: 'graph', value: graph };
  }

  toGraph(name: string, inputs: Value[], outputs: Value[]): Graph {
    return { name, inputs, outputs, nodes: this.nodes, initializers: this.names.initializers };
  }

  private fresh(hint: string): string {
    let name = hint;
    for (let n = 1; this.names.used.has(name); n++) name = `${hint}#${n}`;
    this.names.used.add(name);
    return name;
  }
}
