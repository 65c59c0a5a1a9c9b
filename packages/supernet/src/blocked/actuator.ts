/**
 * Actuation of graphs that take their weights as inputs: makes the weights of a subnet, once per change of subnet, and
 * keeps those of the last few subnets: in slots, each as large as the largest hosted subnet; the slot that was used
 * longest ago is written over.
 */
import * as ort from 'onnxruntime-node';
import { controlName } from '../portable.js';
import { type Arena, alignedBytes } from './arena.js';
import type { ForwardGraph } from './forward.js';
import { makeParameters, type Plan } from './plan.js';

export type Feeds = Record<string, ort.Tensor>;

/** A subnet's plan and the graph that it runs in. */
export interface PlannedGraph {
  readonly plan: Plan;
  /** Not the model: that can hold views of the file that the supernet was read from. */
  readonly graph: Pick<ForwardGraph, 'parameters' | 'controls'>;
}

interface Slot {
  readonly memory: Float32Array;
  subnet: number | undefined;
  feeds: Feeds;
}

/** How many slots of how many bytes: as many as `budgetBytes` holds, at least one, and no more than subnets. */
export function slotSizes(plans: readonly Plan[], budgetBytes: number): { count: number; slotBytes: number } {
  const slotBytes = Math.max(alignedBytes(1), ...plans.map(({ bytes }) => bytes));
  return { slotBytes, count: Math.min(plans.length, Math.max(1, Math.floor(budgetBytes / slotBytes))) };
}

export class Actuator {
  /** The one used longest ago first. */
  private readonly slots: Slot[];

  /** Takes `count * slotBytes` of the arena. */
  constructor(
    private readonly planned: readonly PlannedGraph[],
    private readonly arena: Arena,
    { count, slotBytes }: { count: number; slotBytes: number },
  ) {
    this.slots = Array.from({ length: count }, () => {
      return { memory: arena.take(slotBytes / Float32Array.BYTES_PER_ELEMENT), subnet: undefined, feeds: {} };
    });
  }

  /** The inputs of the forward graph for a hosted subnet. */
  actuate(index: number): Feeds {
    const at = this.slots.findIndex((slot) => slot.subnet === index);
    const [slot] = this.slots.splice(Math.max(at, 0), 1);
    const wanted = this.planned[index];
    if (slot === undefined || wanted === undefined) throw new RangeError(`There is no subnet ${index}.`);
    this.slots.push(slot);
    if (at < 0) {
      slot.subnet = undefined;
      slot.feeds = this.make(wanted, slot.memory);
      slot.subnet = index;
    }
    return slot.feeds;
  }

  private make({ plan, graph }: PlannedGraph, memory: Float32Array): Feeds {
    const feeds: Feeds = {};
    for (const group of graph.controls) {
      feeds[controlName(group)] = new ort.Tensor('int64', BigInt64Array.of(BigInt(plan.config[group] ?? 0)), [1]);
    }
    makeParameters(
      plan,
      this.arena,
      ({ offsetBytes, floats }) => memory.subarray(offsetBytes / 4, offsetBytes / 4 + floats),
      ({ parameter, dims }, made) => {
        feeds[parameter.name] = new ort.Tensor('float32', made, dims);
      },
    );
    for (const { name, rank } of graph.parameters) feeds[name] ??= standIn(rank);
    return feeds;
  }
}

/** A graph wants every input, also those of blocks that do not run. */
function standIn(rank: number): ort.Tensor {
  const dims = Array.from({ length: rank }, () => 1);
  return new ort.Tensor('float32', new Float32Array(1), dims);
}
