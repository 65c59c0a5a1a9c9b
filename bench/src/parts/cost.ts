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

/** What queries cost is measured at so much of the highest rate. */
export const costShare = 0.75;
const latencyShares = [0.25, 0.5, costShare];
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

/** At a rate. */
export interface CostAt {
  readonly rate: number;
  readonly processes: readonly ProcessCost[];
  /** Of all processes together. */
  readonly cpuSecondsPer1000: number;
}

export interface CostFigures {
  readonly latency: readonly LatencyAt[];
  readonly cost: CostAt;
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
      const cost = await costAt(costly, stage, probes);
      const cpu = await probes.during('cpu', profiled, () => stage.step('step', at(1)));
      return {
        latency: plain.map(({ share, step }) => latencyAt(share, step)),
        cost,
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

/**
 * Two more steps like one that was, with the probes at work: each measurement costs processor time itself.
 *
 * @param step without any, of the same system: what its processes used is theirs
 */
export async function costAt(step: Step, stage: Stage, probes: Probes): Promise<CostAt> {
  const { rate, seconds, cpuSecondsPer1000 } = step;
  const again = () => stage.step('step', { rate, seconds });
  const delayed = await probes.during('delay', probes.names, again);
  const allocating = await probes.during('heap', probes.names, again);
  const delays = shortNames(delayed.measured);
  const bytes = shortNames(perQuery(allocating.measured, allocating.result.sent));
  const processes = Object.entries(cpuSecondsPer1000).map(([process, cpuSeconds]): ProcessCost => {
    const [allocated, delay] = [bytes[process], delays[process]];
    return {
      ...{ process, cpuSecondsPer1000: cpuSeconds },
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
