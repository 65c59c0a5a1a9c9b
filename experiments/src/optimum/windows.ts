/** The windows that are solved: their lengths, loads and seeds. What shapes they have stands in shapes.ts. */
import { generate, type TraceSpecInput } from '@slackline/traces';
import type { Device } from '../cells/device.js';
import type { Instance } from './instance.js';
import { type Cell, cells, meanLoad, type WindowKind } from './shapes.js';
import { smallestCapacity, ticksOf } from './table.js';

export interface Window {
  readonly kind: WindowKind;
  readonly seed: number;
  /** Its arrivals, as text. */
  readonly spec: string;
  /** Queries a second, by what the smallest subnet could carry on the same devices. */
  readonly load: number;
  readonly instance: Instance;
}

/** The table's own unit: half of its entries are whole milliseconds already. */
export const gridMs = 1;
export const devices = 2;

/** Cells with a mean load of `leastLoad` or more are drawn again until the window's load is between these: short traces stray. */
export const leastLoad = 0.7;
const mostLoad = 1;

/** Where a window ends: after so many queries, or after so much time. */
export type Length = { readonly queries: number } | { readonly seconds: number };

export interface WindowOptions {
  readonly seed: number;
  readonly length: Length;
  /** Windows of each cell. */
  readonly repeats: number;
  /** Leaves out cells with a lower mean load. */
  readonly leastMeanLoad?: number;
}

/** Seeds are apart by these, so that no two windows share one. */
const seedsOfRepeat = 100;
const seedsOfCell = 10_000;
const seedsOfRun = 1_000_000;

/** The same for the same options. */
export function windows(device: Device, sloMs: number, options: WindowOptions): Window[] {
  const latency = ticksOf(device, gridMs);
  const accuracy = device.subnets.map((subnet) => subnet.accuracy);
  const common = { gridMs, devices, latency, accuracy, sloTicks: Math.round(sloMs / gridMs) };
  const capacity = smallestCapacity(latency, gridMs, devices);
  return cells.flatMap((cell, c) => {
    if (meanLoad(cell) < (options.leastMeanLoad ?? 0)) return [];
    return Array.from({ length: options.repeats }, (_, repeat): Window => {
      const first = options.seed * seedsOfRun + c * seedsOfCell + repeat * seedsOfRepeat;
      for (let seed = first; ; seed += 1) {
        if (seed >= first + seedsOfRepeat) throw new RangeError(`no ${cell.kind} window has a load in range`);
        const { spec, arrivalsMs, load } = draw(cell, capacity, options.length, seed);
        if (meanLoad(cell) >= leastLoad && (load < leastLoad || load > mostLoad)) continue;
        const arrivals = arrivalsMs.map((ms) => Math.floor(ms / gridMs));
        return { kind: cell.kind, seed, spec, load, instance: { ...common, arrivals } };
      }
    });
  });
}

/** A window's load with the time up to its last deadline counted in: what must be done, by all the time there is for it. */
export function loadWithRest({ instance }: Window): number {
  const { arrivals, sloTicks, latency } = instance;
  const ticks = (arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0) + sloTicks;
  return (1_000 * arrivals.length) / (ticks * gridMs) / smallestCapacity(latency, gridMs, instance.devices);
}

/** One trace of a cell, cut to the window. */
function draw(cell: Cell, capacity: number, length: Length, seed: number) {
  const seconds = 'seconds' in length ? length.seconds : length.queries / (meanLoad(cell) * capacity);
  // A trace of so many queries may take longer than it takes in the mean.
  const spec = specOf(cell, capacity, seconds, { seconds: 'seconds' in length ? seconds : 10 * seconds, seed });
  const all = [...generate(spec).arrivalsMs];
  const arrivalsMs = 'queries' in length ? all.slice(0, length.queries) : all;
  const spanMs = (arrivalsMs.at(-1) ?? 0) - (arrivalsMs[0] ?? 0);
  const rate = 'seconds' in length ? all.length / seconds : (1_000 * (arrivalsMs.length - 1)) / spanMs;
  const { kind, seed: _, seconds: __, ...rest } = spec;
  const text = Object.entries(rest).map(([name, value]) => `${name}=${value}`);
  return { spec: `${kind}:${text.join(',')}`, arrivalsMs, load: rate / capacity };
}

/** @param seconds what the window takes in the mean: ramps are a share of it */
function specOf(
  cell: Cell,
  capacity: number,
  seconds: number,
  common: { readonly seconds: number; readonly seed: number },
): TraceSpecInput {
  const rate = (share: number) => Math.round(share * capacity);
  switch (cell.kind) {
    case 'quiet':
      return { kind: 'poisson', rate: rate(cell.rate), ...common };
    case 'bursty':
      return { kind: 'bursty', base: rate(cell.base), variant: rate(cell.variant), cv2: cell.cv2, ...common };
    case 'accelerating': {
      const [from, to] = [rate(cell.from), rate(cell.to)];
      const tau = Math.round((to - from) / (cell.ramp * seconds));
      return { kind: 'accelerating', from, to, tau, cv2: cell.cv2, ...common };
    }
  }
}
