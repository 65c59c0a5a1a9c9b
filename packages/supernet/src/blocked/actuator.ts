/**
 * Makes the weights of a subnet, once per change of subnet, and keeps those of the last few subnets: in slots, each as
 * large as the largest hosted subnet; the slot that was used longest ago is written over.
 */
import * as ort from 'onnxruntime-node';
import { type HostedSubnet, isNorm } from '../norms.js';
import { elements, type Node } from '../onnx/model.js';
import { controlName } from '../portable.js';
import { scaleShift } from '../subnet-norm.js';
import { activeNodes, type Supernet } from '../supernet.js';
import { Arena, alignedBytes } from './arena.js';
import type { ForwardGraph } from './forward.js';
import type { Affine, Parameter } from './parameters.js';
import type { BlockedStore } from './store.js';

type Feeds = Record<string, ort.Tensor>;

/** A subnet and the graph that it runs in. */
export interface HostedGraph {
  readonly subnet: HostedSubnet;
  readonly graph: ForwardGraph;
}

/** A parameter with its sizes in one subnet. */
interface Sized {
  readonly parameter: Parameter;
  readonly dims: number[];
}

/** What is worked out once per hosted subnet. */
interface Plan {
  readonly subnet: HostedSubnet;
  readonly sized: readonly Sized[];
  readonly affine: Affine;
  /** Size of a slot that can hold it. */
  readonly bytes: number;
  /** Depths, and stand-ins for the parameters of blocks that do not run. */
  readonly constants: Readonly<Feeds>;
}

interface Slot {
  readonly memory: Float32Array;
  subnet: number | undefined;
  feeds: Feeds;
}

export class Actuator {
  /** Memory of the slots, beside the shared weights. */
  readonly bytes: number;
  private readonly plans: readonly Plan[];
  private readonly arena: Arena;
  /** The one used longest ago first. */
  private readonly slots: Slot[];

  /** `budgetBytes` bounds the memory for slots; there is always at least one. */
  constructor(supernet: Supernet, store: BlockedStore, subnets: readonly HostedGraph[], budgetBytes: number) {
    this.plans = subnets.map((hosted) => plan(supernet, hosted));
    const slotBytes = Math.max(alignedBytes(1), ...this.plans.map(({ bytes }) => bytes));
    const count = Math.min(subnets.length, Math.max(1, Math.floor(budgetBytes / slotBytes)));
    this.arena = new Arena(store.bytes + count * slotBytes);
    store.moveTo(this.arena);
    this.bytes = count * slotBytes;
    this.slots = Array.from({ length: count }, () => {
      return { memory: this.arena.take(slotBytes / Float32Array.BYTES_PER_ELEMENT), subnet: undefined, feeds: {} };
    });
  }

  /** The inputs of the forward graph for a hosted subnet. */
  actuate(index: number): Feeds {
    const at = this.slots.findIndex((slot) => slot.subnet === index);
    const [slot] = this.slots.splice(Math.max(at, 0), 1);
    const wanted = this.plans[index];
    if (slot === undefined || wanted === undefined) throw new RangeError(`There is no subnet ${index}.`);
    this.slots.push(slot);
    if (at < 0) {
      slot.subnet = undefined;
      slot.feeds = this.make(wanted, slot.memory);
      slot.subnet = index;
    }
    return slot.feeds;
  }

  private make({ sized, affine, subnet, constants }: Plan, memory: Float32Array): Feeds {
    const feeds: Feeds = { ...constants };
    let at = 0;
    for (const { parameter, dims } of sized) {
      const target = memory.subarray(at, at + elements(dims));
      at += alignedBytes(target.length) / Float32Array.BYTES_PER_ELEMENT;
      parameter.fill(target, subnet.config, affine, this.arena);
      feeds[parameter.name] = new ort.Tensor('float32', target, dims);
    }
    return feeds;
  }
}

function plan(supernet: Supernet, { subnet, graph }: HostedGraph): Plan {
  const active = new Set(activeNodes(supernet, subnet.config));
  const constants: Record<string, ort.Tensor> = {};
  for (const group of graph.controls) {
    const depth = BigInt64Array.of(BigInt(subnet.config[group] ?? 0));
    constants[controlName(group)] = new ort.Tensor('int64', depth, [1]);
  }
  const sized: Sized[] = [];
  for (const parameter of graph.parameters) {
    if (active.has(parameter.owner)) {
      sized.push({ parameter, dims: parameter.dims(subnet.config) });
    } else {
      const dims = Array.from({ length: parameter.rank }, () => 1);
      constants[parameter.name] = new ort.Tensor('float32', new Float32Array(1), dims);
    }
  }
  const bytes = sized.reduce((sum, { dims }) => sum + alignedBytes(elements(dims)), 0);
  return { subnet, sized, bytes, constants, affine: affineOf(supernet, active, subnet) };
}

function affineOf(supernet: Supernet, active: ReadonlySet<Node>, { statistics }: HostedSubnet): Affine {
  const entries = [...active].filter(isNorm).flatMap((norm) => {
    const known = scaleShift(supernet, norm, statistics);
    return known === undefined ? [] : [[norm, known] as const];
  });
  return new Map(entries);
}
