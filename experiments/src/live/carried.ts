/**
 * The rate that this machine carries with everything on it (producer, nats-server, services, workers), and from it how much
 * the live runs are stretched: devices, limits and gaps all get so many times longer, which leaves every decision what it
 * was and lets the machine keep up.
 */
import { type Cell, isSpec, type TraceSource } from '../cells/cell.js';
import { slowed } from '../cells/device.js';
import { paperWorkers, v100 } from '../cells/devices.js';
import type { FigureContext } from '../figure.js';
import { send, withSystem } from './run-live.js';

/** Rates that are tried, in queries a second, and for how long each. */
const rates = [3_200, 1_600, 800, 400];
const trialSeconds = 3;
/** A rate is carried when so many of its queries are answered within the limit, by devices that take next to no time. */
const wanted = 0.999;
/** A live run has this share of what is carried in the mean: its bursts reach several times as much. */
const meanShare = 0.5;
const stretches = [2, 4, 8, 16, 32];
/** Of a quick run, which measures nothing. */
const quickStretch = 16;

let measured: Promise<number> | undefined;

/** Queries a second; measured once in a process. 0 when not even the lowest rate is carried. */
export function carriedRate(context: FigureContext): Promise<number> {
  measured ??= measure(context);
  return measured;
}

async function measure(context: FigureContext): Promise<number> {
  const { sloMs, ...device } = v100();
  const cell = { device: slowed(device, 0.1), workers: paperWorkers, sloMs, policy: 'fixed:smallest' };
  return withSystem(cell, context, async (serving) => {
    // The processes compile what they run.
    await send(serving, { kind: 'constant', rate: 400, seconds: 2 }, sloMs, context.signal);
    for (const rate of rates) {
      context.progress(`live: does this machine carry ${rate} queries a second?`);
      const trace = { kind: 'poisson', rate, seconds: trialSeconds, seed: context.seed } as const;
      const { published, outcomes } = await send(serving, trace, sloMs, context.signal);
      if (outcomes.ok >= wanted * published) return rate;
    }
    return 0;
  });
}

/** How much a load of so many queries a second in the mean is stretched here. */
export async function stretchFor(rate: number, context: FigureContext): Promise<{ stretch: number; carried: number }> {
  if (context.quick) return { stretch: quickStretch, carried: 0 };
  const carried = await carriedRate(context);
  const most = stretches.at(-1) ?? 1;
  return { stretch: stretches.find((stretch) => rate / stretch <= meanShare * carried) ?? most, carried };
}

/** The cell with everything so many times slower. Its trace lasts as long as it did, with fewer queries. */
export function stretched(cell: Cell, factor: number): Cell {
  return {
    ...cell,
    device: slowed(cell.device, factor),
    sloMs: cell.sloMs * factor,
    trace: thinned(cell.trace, factor),
  };
}

function thinned(trace: TraceSource, factor: number): TraceSource {
  if (!isSpec(trace)) return { ...trace, rate: trace.rate / factor };
  switch (trace.kind) {
    case 'bursty':
      return { ...trace, base: trace.base / factor, variant: trace.variant / factor };
    case 'gamma':
      return { ...trace, rate: trace.rate / factor };
    default:
      throw new RangeError(`no live run stretches a trace ${trace.kind}`);
  }
}
