/** The windows that are solved: their kinds, loads and seeds. */
import { generate, type TraceSpecInput } from '@slackline/traces';
import type { Device } from '../cells/device.js';
import type { Instance } from './instance.js';
import { smallestCapacity, ticksOf } from './table.js';

export type WindowKind = 'quiet' | 'bursty' | 'accelerating';

export interface Window {
  readonly kind: WindowKind;
  readonly seed: number;
  /** Its arrivals, as text. */
  readonly spec: string;
  /** Queries a second over the window, by what the smallest subnet could carry on the same devices. */
  readonly load: number;
  readonly instance: Instance;
}

/** The table's own unit: half of its entries are whole milliseconds already. */
export const gridMs = 1;
export const devices = 2;

/** Rates are shares of what the smallest subnet carries. */
type Shape =
  | { readonly kind: 'quiet'; readonly rate: number }
  | { readonly kind: 'bursty'; readonly base: number; readonly variant: number; readonly cv2: number }
  | { readonly kind: 'accelerating'; readonly from: number; readonly to: number; readonly seconds: number };

const accelerationCv2 = 8;

/** The accelerating ones end where the paper's do: 2,500 -> 7,800 qps where the smallest carries about 8,000. */
const shapes: readonly Shape[] = [
  ...[0.15, 0.3, 0.45].map((rate) => ({ kind: 'quiet', rate }) as const),
  ...[0.5, 0.65].flatMap((variant) => [2, 8].map((cv2) => ({ kind: 'bursty', base: 0.25, variant, cv2 }) as const)),
  ...[0.31, 0.6].flatMap((from) =>
    [0.05, 0.1].map((seconds) => ({ kind: 'accelerating', from, to: 0.975, seconds }) as const),
  ),
];

/** Bursty and accelerating windows are drawn again until their load is between these: short traces stray far from their mean. */
export const leastLoad = 0.7;
const mostLoad = 0.95;

const repeats = { quiet: 4, bursty: 3, accelerating: 3 } as const;

export interface WindowOptions {
  readonly seed: number;
  /** Over which queries arrive. */
  readonly seconds: number;
  /** Windows of each shape, at most. */
  readonly most?: number;
}

/** All windows, 12 of each kind. The same for the same seed. */
export function windows(device: Device, sloMs: number, { seed, seconds, most = 100 }: WindowOptions): Window[] {
  const latency = ticksOf(device, gridMs);
  const capacity = smallestCapacity(latency, gridMs, devices);
  const common = { gridMs, devices, latency, sloTicks: Math.round(sloMs / gridMs) };
  const accuracy = device.subnets.map((subnet) => subnet.accuracy);
  return shapes.flatMap((shape, s) =>
    Array.from({ length: Math.min(most, repeats[shape.kind]) }, (_, repeat): Window => {
      const first = seed * 1_000_000 + s * 10_000 + repeat * 100;
      for (let drawn = first; ; drawn += 1) {
        const spec = specOf(shape, capacity, seconds, drawn);
        const arrivals = [...generate(spec).arrivalsMs].map((ms) => Math.floor(ms / gridMs));
        const load = arrivals.length / seconds / capacity;
        if (shape.kind !== 'quiet' && (load < leastLoad || load > mostLoad)) continue;
        const { kind, seed: _, seconds: __, ...rest } = spec;
        const text = Object.entries(rest).map(([name, value]) => `${name}=${value}`);
        const instance = { ...common, accuracy, arrivals };
        return { kind: shape.kind, seed: drawn, spec: `${kind}:${text.join(',')}`, load, instance };
      }
    }),
  );
}

function specOf(shape: Shape, capacity: number, seconds: number, seed: number): TraceSpecInput {
  const rate = (share: number) => Math.round(share * capacity);
  switch (shape.kind) {
    case 'quiet':
      return { kind: 'poisson', rate: rate(shape.rate), seconds, seed };
    case 'bursty':
      return { kind: 'bursty', base: rate(shape.base), variant: rate(shape.variant), cv2: shape.cv2, seconds, seed };
    case 'accelerating': {
      const [from, to] = [rate(shape.from), rate(shape.to)];
      const tau = Math.round((to - from) / shape.seconds);
      return { kind: 'accelerating', from, to, tau, at: seconds / 10, cv2: accelerationCv2, seconds, seed };
    }
  }
}
