/** All that `npm run bench:subnetact` measures. The first five keys are the ones to compare; the rest is their detail. */
import type { Throughput } from './dynamic-range.js';
import type { Machine } from './machine.js';
import type { Summary } from './measure.js';
import type { Memory } from './memory.js';
import type { Cell } from './ratios.js';
import type { Switch } from './switching.js';

export interface Document {
  /** Time in the actuated graph over time of the extracted subnet; one value per subnet and batch size. */
  readonly actuatedOverExtracted: {
    readonly steady: Summary;
    readonly alternating: Summary;
    /** As alternating, with room for one actuated subnet, so that every switch makes all weights. */
    readonly anew: Summary;
  };
  /** A change of subnet that makes all weights; one value per subnet. */
  readonly switchMs: Summary;
  /** How many switches take the time of loading the extracted session; median over the subnets. */
  readonly switchOverLoad: number;
  readonly memory: Memory;
  readonly dynamicRange: number;
  readonly machine: Machine;
  readonly model: string;
  readonly quick: boolean;
  readonly detail: {
    readonly cells: readonly Cell[];
    readonly switches: readonly Switch[];
    readonly throughputs: readonly Throughput[];
    readonly shippedModelMemory: Memory;
  };
}
