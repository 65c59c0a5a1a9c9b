/** One simulation: a trace, some devices, a policy. Plain data, as it crosses threads. */
import type { SubnetShare, Window, WorkerEvent } from '@slackline/simulator';
import type { TraceSpecInput } from '@slackline/traces';
import type { Device } from './device.js';
import type { SurroundingsName } from './environment.js';

/** Azure Functions counts, squeezed to `seconds` and scaled to `rate` queries a second in the mean. */
interface AzureReplay {
  readonly kind: 'azure';
  readonly file: string;
  readonly seconds: number;
  readonly rate: number;
  readonly seed: number;
}

/** Where queries come from. */
export type TraceSource = TraceSpecInput | AzureReplay;

export function isSpec(source: TraceSource): source is TraceSpecInput {
  return source.kind !== 'azure';
}

export interface Cell {
  readonly trace: TraceSource;
  readonly device: Device;
  readonly workers: number;
  readonly sloMs: number;
  readonly policy: string;
  readonly seed: number;
  /** What a change of subnet costs beyond the device's own load time; the worker stands still for so long. */
  readonly actuationDelayMs?: number;
  /** Absent: dedicated. */
  readonly surroundings?: SurroundingsName;
  /** Whether workers are sent their next batch before they are free. Absent: they are not. */
  readonly sendsAhead?: boolean;
  readonly events?: readonly WorkerEvent[];
  /** Asks for the time series, in windows of so many milliseconds. */
  readonly windowMs?: number;
}

export interface CellResult {
  readonly policy: string;
  readonly queries: number;
  /** Answered in time. */
  readonly ok: number;
  readonly late: number;
  readonly expired: number;
  readonly failed: number;
  /** ok / queries. */
  readonly attainment: number;
  /** Mean profiled accuracy of the answers in time, 0..1. */
  readonly accuracy: number;
  /** Sum of those accuracies over all queries. */
  readonly effectiveAccuracy: number;
  readonly meanBatch: number;
  /** Share of the answers, by subnet. */
  readonly subnets: readonly Pick<SubnetShare, 'id' | 'accuracy' | 'share'>[];
  readonly latencyMs: { readonly p50: number; readonly p99: number };
  /** Where `windowMs` asked for them. */
  readonly windows?: readonly Window[];
  /** Wall time of the simulation, without the making of the trace. */
  readonly wallMs: number;
}
