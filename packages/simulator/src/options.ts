/** What a simulation is told: the system, the load, and how both differ from the profile. Times in milliseconds from 0. */
import type { Conditions, LatencyTable, MipSolution, MixedIntegerProgram, Policy } from '@slackline/scheduling';
import type { Trace } from '@slackline/traces';
import type { Distribution } from './distribution.js';

/** When queries arrive and what each asks for. A name of a model that the simulation does not have is an error. */
export type Arrivals = Pick<
  Trace,
  'arrivalsMs' | 'durationMs' | 'models' | 'modelIndex' | 'sloMs' | 'minAccuracy' | 'priority'
>;

export interface SimulatedModel {
  readonly name: string;
  /** Time limit of queries for which the trace names none. */
  readonly sloMs: number;
  /** By device class: what the scheduler plans with, and what executors take before noise. */
  readonly tables: Readonly<Record<string, LatencyTable>>;
}

/** Workers of one kind. They are counted on through all groups: those of the first are 0 to count - 1. */
export interface WorkerGroup {
  readonly count: number;
  readonly deviceClass: string;
  /** Names of the models that they host; absent: all. */
  readonly models?: readonly string[];
  /** When they report for the first time; absent: before the first query. */
  readonly joinMs?: number;
}

/** What happens to one worker, by its number. */
export type WorkerEvent =
  /** It dies as by SIGKILL: its batch is lost, and the scheduler finds out as it does live. */
  | { readonly kind: 'crash'; readonly atMs: number; readonly worker: number }
  /** It reports under a new epoch: started again, or for the first time. */
  | { readonly kind: 'join'; readonly atMs: number; readonly worker: number }
  /** It does nothing for `forMs`, then goes on where it was, as after SIGSTOP and SIGCONT. */
  | { readonly kind: 'pause'; readonly atMs: number; readonly worker: number; readonly forMs: number };

/** How a scheduler finds out that a worker is gone (docs/architecture.md, "Who is alive"). */
export interface Liveness {
  /** Workers that hold a batch for longer than this are asked whether they are there, as often. */
  readonly probeEveryMs: number;
  readonly heartbeatMs: number;
  /** Silence after which a worker is lost. */
  readonly deadAfterMs: number;
  /** A batch so much later than expected is lost, and its worker with it. */
  readonly overdueMs: number;
}

/** How much longer than profiled batches take, drawn for each. */
export type Noise =
  | { readonly kind: 'none' }
  /** Lognormal through the table's median and its tail, where it has one (the 99th percentile). */
  | { readonly kind: 'profile' }
  /** The same factor's distribution for every batch, e.g. measured ones in ascending order. */
  | { readonly kind: 'factor'; readonly factor: Distribution };

export interface Planning {
  /** Solves in place. */
  solve(problem: MixedIntegerProgram): MipSolution;
  /** Simulated time from asking for a plan to having it; absent: 100. */
  readonly delayMs?: number;
}

export interface SimulationOptions {
  readonly trace: Arrivals;
  /** Queries for which the trace names no model are for the first. */
  readonly models: readonly SimulatedModel[];
  readonly workers: readonly WorkerGroup[];
  /** A fresh one for each simulation: policies may keep state. */
  readonly policy: Policy;
  /** Absent: 1. */
  readonly seed?: number;
  /** Absent: none. */
  readonly noise?: Noise;
  /** One way between scheduler and worker, drawn for every command and every completion. Absent: 0. */
  readonly busDelayMs?: Distribution;
  /** From the moment that a query's time limit counts from to the scheduler's queue, in order. Absent: 0. */
  readonly intakeDelayMs?: Distribution;
  /** Whether a worker is sent its next batch shortly before the end of the one that it has, as by the service. Absent: it is not. */
  readonly sendsAhead?: boolean;
  /** What a change of subnet costs beyond the table's `actuationMs`, unknown to the scheduler. Absent: 0. */
  readonly actuationDelayMs?: number;
  /** What each event costs the scheduler, which handles one after the other. Absent: 0. */
  readonly schedulerCostMs?: number;
  /**
   * What the scheduler reckons with: `ideal` (it knows the mean delays of the bus), `estimated` (measured on every batch, as the
   * service does), or these. Absent: ideal.
   */
  readonly conditions?: 'ideal' | 'estimated' | Conditions;
  /** First estimate of a batch's time outside the executor, when conditions are estimated. Absent: 2, as in the service. */
  readonly firstOverheadMs?: number;
  /** In any order. */
  readonly events?: readonly WorkerEvent[];
  /** Absent: the service's defaults. A number: every loss is found so long after it happened. */
  readonly detection?: Liveness | number;
  /** For policies that follow a plan; without it they decide by what they do without one. */
  readonly planning?: Planning;
  /** Largest batch the scheduler sends; absent: 256. */
  readonly maxBatch?: number;
  /** Of the time series; absent: 1000. */
  readonly windowMs?: number;
  /** What to keep beside the figures. */
  readonly record?: { readonly batches?: boolean; readonly queries?: boolean };
}
