/**
 * What queries cost: latency at parts of the highest rate, and at three quarters of it each process's time, allocations and
 * event loop; at all of it, where the time goes (CPU profiles). One system, with a probe in each of its Node processes.
 */
import type { PartContext } from '../context.js';
import type { CpuProfile } from '../flame/index.js';
import type { Percentiles } from '../latency.js';
import type { DelayFigures } from '../probe/measure.js';
import { ownName, Probes } from '../probe/probes.js';
import { slackline } from '../slackline/system.js';
import { Stage, type Step } from '../stage.js';

const latencyShares = [0.25, 0.5, 0.75];
const costShare = 0.75;
/** Processes whose time is taken apart; nats-server is no Node process. */
const profiled = ['ingest-0', 'scheduler-0', 'gpu-worker-0'];

export interface LatencyAt {
  /** Part of the highest rate. */
  readonly share: number;
  readonly rate: number;
  readonly attainment: number;
  readonly accuracy: number | undefined;
  readonly latencyMs: Percentiles;
}

export interface ProcessCost {
  readonly process: string;
  /** Seconds of a core for 1,000 queries. */
  readonly cpuSecondsPer1000: number;
  /** Of JavaScript's heap, for each query; an estimate from samples. Undefined for what is no Node process. */
  readonly allocatedBytesPerQuery?: number;
  readonly eventLoopDelayMs?: DelayFigures;
}

export interface CostFigures {
  readonly latency: readonly LatencyAt[];
  readonly cost: {
    readonly rate: number;
    readonly processes: readonly ProcessCost[];
    /** Of all processes together. */
    readonly cpuSecondsPer1000: number;
  };
  /** At the highest rate, while it was profiled. */
  readonly atFull: { readonly rate: number; readonly attainment: number };
  /** By process; written as flame graphs and tables, and not into the document. */
  readonly profiles: Readonly<Record<string, CpuProfile>>;
}

/** @param highest rate, in queries a second */
export async function costs(highest: number, context: PartContext): Promise<CostFigures> {
  const { choices, pace, signal, say } = context;
  const probes = await Probes.open();
  try {
    const { nodeOptions, env } = probes;
    const settings = { storage: 'memory', payloadBytes: 784, signal } as const;
    const running = await slackline({ ...choices, nodeOptions, env }).start(settings);
    try {
      const stage = new Stage({ name: 'slackline', running, say, signal, pace, steps: [] });
      await stage.warmUp(highest, pace.warmUpSeconds);
      const at = (share: number) => ({ rate: Math.round(share * highest), seconds: pace.measureSeconds });
      const plain: { share: number; step: Step }[] = [];
      for (const share of latencyShares) plain.push({ share, step: await stage.step('step', at(share)) });
      const costly = plain.find(({ share }) => share === costShare)?.step ?? (await stage.step('step', at(costShare)));
      const names = probes.names;
      const delays = await probes.during('delay', names, () => stage.step('step', at(costShare)));
      const heaps = await probes.during('heap', names, () => stage.step('step', at(costShare)));
      const cpu = await probes.during('cpu', profiled, () => stage.step('step', at(1)));
      return {
        latency: plain.map(({ share, step }) => latencyAt(share, step)),
        cost: costOf(costly, {
          delays: delays.measured,
          bytes: perQuery(heaps.measured, heaps.result.sent),
        }),
        atFull: { rate: cpu.result.rate, attainment: cpu.result.attainment },
        profiles: shortNames(cpu.measured),
      };
    } finally {
      await running.stop();
    }
  } finally {
    probes.close();
  }
}

function latencyAt(share: number, { rate, attainment, accuracy, latencyMs }: Step): LatencyAt {
  return { share, rate, attainment, accuracy, latencyMs };
}

interface Measured {
  readonly delays: Readonly<Record<string, DelayFigures>>;
  readonly bytes: Readonly<Record<string, number>>;
}

/** @param step without any probe at work: each costs processor time itself */
function costOf({ rate, cpuSecondsPer1000 }: Step, measured: Measured): CostFigures['cost'] {
  const delays = shortNames(measured.delays);
  const bytes = shortNames(measured.bytes);
  const processes = Object.entries(cpuSecondsPer1000).map(([process, seconds]): ProcessCost => {
    const [allocated, delay] = [bytes[process], delays[process]];
    return {
      ...{ process, cpuSecondsPer1000: seconds },
      ...(allocated !== undefined && { allocatedBytesPerQuery: allocated }),
      ...(delay !== undefined && { eventLoopDelayMs: delay }),
    };
  });
  return { rate, processes, cpuSecondsPer1000: processes.reduce((sum, { cpuSecondsPer1000: one }) => sum + one, 0) };
}

function perQuery(measured: Readonly<Record<string, { allocatedBytes: number }>>, queries: number) {
  return Object.fromEntries(
    Object.entries(measured).map(([name, { allocatedBytes }]) => [name, allocatedBytes / queries]),
  );
}

/** Processes as tables call them: `gpu-worker-0` is `worker`. */
function shortNames<T>(byName: Readonly<Record<string, T>>): Record<string, T> {
  const short = (name: string) => (name === ownName ? name : name.replace('gpu-worker', 'worker').replace(/-0$/, ''));
  return Object.fromEntries(Object.entries(byName).map(([name, value]) => [short(name), value]));
}
