/** The overload on a real system: a sweep for its peak, then overload after overload, each between calm loads. */
import { Watch } from '@slackline/chaos';
import type { Serving } from '@slackline/cli';
import { Load, type Records } from '@slackline/load';
import { ingestTelemetry, schedulerTelemetry, unpack } from '@slackline/shared';
import { type Phase, type Rates, spansOf, traceOfPhases } from '@slackline/traces';
import { capacity, type Device } from '../cells/device.js';
import type { FigureContext } from '../figure.js';
import { withSystem } from '../live/run-live.js';
import { type Moment, measured, momentsOf, type PhaseResult, recoveryMs } from './measure.js';

export interface OverloadSettings {
  readonly device: Device;
  readonly workers: number;
  readonly sloMs: number;
  /** What is offered while the peak is looked for, in multiples of what the smallest subnet can carry. */
  readonly sweep: readonly number[];
  readonly sweepSeconds: number;
  readonly overloads: readonly number[];
  readonly seconds: number;
  /** Before and after each overload, at half of what can be carried. */
  readonly calmSeconds: number;
}

export interface SweepPoint extends PhaseResult {
  readonly times: number;
}

export interface OverloadResult {
  readonly times: number;
  readonly before: PhaseResult;
  readonly overload: PhaseResult;
  readonly after: PhaseResult;
  /** From the overload's end until the last query was due that was not answered in time. */
  readonly recoveryMs: number;
  readonly moments: readonly Moment[];
  /** How late the producer sent queries: it must not be what limits. */
  readonly sendLagMs: { readonly p99: number; readonly max: number };
}

/** Memory of one process over the whole run, in bytes. */
export interface MemoryResult {
  readonly name: string;
  readonly rss: readonly (readonly [seconds: number, bytes: number])[];
  /** Of the JavaScript heap, where the process tells it. */
  readonly heap: readonly (readonly [seconds: number, bytes: number])[];
}

export interface OverloadRun {
  /** Queries a second that the smallest subnet carries in its best batches when no worker ever waits. */
  readonly bound: number;
  readonly sweep: readonly SweepPoint[];
  readonly peak: SweepPoint;
  readonly overloads: readonly OverloadResult[];
  readonly memory: readonly MemoryResult[];
}

/** What of the bound the higher classes ask for each: together they fit. */
const higherShare = 0.3;
const calm = 0.5;
const momentMs = 500;
const warmUpSeconds = 3;

export function runOverload(settings: OverloadSettings, context: FigureContext): Promise<OverloadRun> {
  const { device, workers, sloMs } = settings;
  const smallest = device.subnets[0];
  if (smallest === undefined) throw new RangeError('the device has no subnet');
  const bound = capacity(device, smallest, workers, sloMs);
  const cell = { device, workers, sloMs, policy: context.defaultPolicy };
  return withSystem(cell, context, async (serving) => {
    const memory = new Memory(serving);
    try {
      const sweep = await swept(serving, settings, bound, context);
      const overloads: OverloadResult[] = [];
      for (const times of settings.overloads) {
        context.progress(`${times} times what can be carried, for ${settings.seconds} s`);
        overloads.push(await overloaded(serving, settings, times, bound, context));
      }
      const peak = sweep.reduce((best, each) => (each.goodput > best.goodput ? each : best));
      return { bound, sweep, peak, overloads, memory: await memory.stop() };
    } finally {
      await memory.stop();
    }
  });
}

async function swept(
  serving: Serving,
  { sweep, sweepSeconds, sloMs }: OverloadSettings,
  bound: number,
  context: FigureContext,
): Promise<SweepPoint[]> {
  const warmUp: Phase = { name: 'warm-up', seconds: warmUpSeconds, rates: ratesAt(calm, bound) };
  const points: SweepPoint[] = [];
  for (const times of sweep) {
    context.progress(`looking for the peak: ${times} times what can be carried`);
    const phases = [warmUp, { name: 'offered', seconds: sweepSeconds, rates: ratesAt(times, bound) }];
    const { results } = await loaded(serving, phases, sloMs, context);
    const offered = results[1];
    if (offered !== undefined) points.push({ times, ...offered });
  }
  return points;
}

async function overloaded(
  serving: Serving,
  { seconds, calmSeconds, sloMs }: OverloadSettings,
  times: number,
  bound: number,
  context: FigureContext,
): Promise<OverloadResult> {
  const quiet = { seconds: calmSeconds, rates: ratesAt(calm, bound) };
  const phases = [
    { name: 'before', ...quiet },
    { name: 'overload', seconds, rates: ratesAt(times, bound) },
    { name: 'after', ...quiet },
  ];
  const { records, results, sendLagMs } = await loaded(serving, phases, sloMs, context);
  const [before, overload, after] = results;
  const span = spansOf(phases)[2];
  if (before === undefined || overload === undefined || after === undefined || span === undefined) {
    throw new RangeError('an overload has three phases');
  }
  const moments = momentsOf(records, momentMs);
  return { times, before, overload, after, recoveryMs: recoveryMs(records, span), moments, sendLagMs };
}

/** Each of the higher classes is a fixed share of what can be carried, or of what is offered where that is less. */
function ratesAt(times: number, bound: number): Rates {
  const higher = higherShare * Math.min(1, times) * bound;
  return { low: times * bound - 2 * higher, normal: higher, high: higher };
}

async function loaded(
  { system, subjects, model }: Serving,
  phases: readonly Phase[],
  sloMs: number,
  { seed, signal }: FigureContext,
): Promise<{ records: Records; results: PhaseResult[]; sendLagMs: { p99: number; max: number } }> {
  const to = { natsUrl: system.natsUrl, subjectPrefix: subjects.prefix, models: [{ entry: model, sloMs }] };
  const load = new Load({ ...to, arrivals: traceOfPhases(phases, seed), records: true }, () => {});
  const onAbort = () => load.stop();
  signal.addEventListener('abort', onAbort);
  try {
    const { records, lagMs } = await load.done;
    signal.throwIfAborted();
    if (records === undefined) throw new Error('a load gave no records');
    return { records, results: spansOf(phases).map((span) => measured(records, span, sloMs)), sendLagMs: lagMs };
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Follows every process of a system, and the heaps of those that tell it. */
class Memory {
  readonly #watch: Watch;
  readonly #heaps = new Map<string, [number, number][]>();
  readonly #heard;

  constructor({ system, bus, subjects }: Serving) {
    this.#watch = new Watch({
      processes: () => {
        const nats = system.natsServer === undefined ? [] : [{ name: 'nats-server', pid: system.natsServer.pid }];
        return [...nats, ...system.processes().map(({ name, pid }) => ({ name, pid }))];
      },
    });
    const hear = (service: string, heapBytes: number | undefined) => {
      if (heapBytes === undefined) return;
      const heap = this.#heaps.get(service) ?? [];
      this.#heaps.set(service, heap);
      heap.push([this.#watch.elapsedMs / 1_000, heapBytes]);
    };
    this.#heard = [
      bus.subscribe(subjects.telemetry('ingest'), ({ data }) =>
        hear('ingest-0', unpack('ingest telemetry', ingestTelemetry, data).heapBytes),
      ),
      bus.subscribe(subjects.telemetry('scheduler'), ({ data }) =>
        hear('scheduler-0', unpack('scheduler telemetry', schedulerTelemetry, data).heapBytes),
      ),
    ];
  }

  async stop(): Promise<MemoryResult[]> {
    this.#watch.stop();
    await Promise.all(this.#heard.splice(0).map((each) => each.drain()));
    return this.#watch.lives.map(({ name, samples }) => ({
      name,
      rss: samples.flatMap(({ atMs, rssBytes }) => (rssBytes === undefined ? [] : [[atMs / 1_000, rssBytes] as const])),
      heap: this.#heaps.get(name) ?? [],
    }));
  }
}
