/** What can be measured of a Node process from within, started and stopped: nothing of it costs anything in between. */
import { type HeapProfiler, type Profiler, Session } from 'node:inspector/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';

export const measurements = ['delay', 'heap', 'cpu'] as const;
export type Measurement = (typeof measurements)[number];

export interface DelayFigures {
  /** How much later than due a timer of the event loop came, in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface HeapFigures {
  /** Bytes that were allocated on the heap of JavaScript, estimated from samples; what was freed since is counted. */
  readonly allocatedBytes: number;
}

export interface Measured {
  delay: DelayFigures;
  heap: HeapFigures;
  cpu: Profiler.Profile;
}

const delayResolutionMs = 1;
/** One allocation in so many bytes is looked at. */
const heapSamplingBytes = 65_536;
const cpuSamplingUs = 500;
const nsPerMs = 1e6;

/** Ends a measurement and returns what it found. */
type End<K extends Measurement> = () => Promise<Measured[K]>;

const begin: { [K in Measurement]: () => Promise<End<K>> } = {
  delay: async () => {
    const histogram = monitorEventLoopDelay({ resolution: delayResolutionMs });
    histogram.enable();
    return async () => {
      histogram.disable();
      // What is recorded is the time between two timers; the delay is what it is longer than it should be.
      const ms = (ns: number) => Math.max(0, ns / nsPerMs - delayResolutionMs);
      return { p50Ms: ms(histogram.percentile(50)), p99Ms: ms(histogram.percentile(99)), maxMs: ms(histogram.max) };
    };
  },
  heap: async () => {
    const session = connected();
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: heapSamplingBytes,
      // Without these two only what is still alive at the end is told.
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    } as HeapProfiler.StartSamplingParameterType);
    return async () => {
      const { profile } = await session.post('HeapProfiler.stopSampling');
      session.disconnect();
      return { allocatedBytes: sizeBelow(profile.head) };
    };
  },
  cpu: async () => {
    const session = connected();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: cpuSamplingUs });
    await session.post('Profiler.start');
    return async () => {
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      return profile;
    };
  },
};

function connected(): Session {
  const session = new Session();
  session.connect();
  return session;
}

function sizeBelow(node: HeapProfiler.SamplingHeapProfileNode): number {
  return node.children.reduce((sum, child) => sum + sizeBelow(child), node.selfSize);
}

/** The measurements of this process: one of each kind at a time. */
export class Meter {
  readonly #ends = new Map<Measurement, End<Measurement>>();

  /** @throws Error when one of this kind is under way */
  async start(what: Measurement): Promise<void> {
    if (this.#ends.has(what)) throw new Error(`${what} is being measured already`);
    this.#ends.set(what, await begin[what]());
  }

  /** @throws Error when none of this kind is under way */
  async stop<K extends Measurement>(what: K): Promise<Measured[K]> {
    const end = this.#ends.get(what);
    if (end === undefined) throw new Error(`${what} is not being measured`);
    this.#ends.delete(what);
    return (await end()) as Measured[K];
  }
}
