/** The two sets of windows that the figure solves. */
import type { Device } from '../cells/device.js';
import { leastLoad, type Window, type WindowOptions, windows } from './windows.js';

export type SetName = 'short' | 'long';
type Size = Omit<WindowOptions, 'seed'>;

const sizes: Readonly<Record<SetName, Size>> = {
  short: { length: { queries: 100 }, repeats: 3 },
  long: { length: { seconds: 0.2 }, repeats: 3, leastMeanLoad: leastLoad },
};

/** To try that everything runs. */
const quickSizes: Readonly<Record<SetName, Size>> = {
  short: { length: { queries: 20 }, repeats: 1 },
  long: { length: { seconds: 0.01 }, repeats: 1, leastMeanLoad: leastLoad },
};

export interface SetOptions {
  readonly seed: number;
  readonly quick?: boolean;
  /** To a window, instead of the set's own length. */
  readonly queries?: number;
}

export function windowSet(name: SetName, device: Device, sloMs: number, options: SetOptions): Window[] {
  const size = (options.quick ? quickSizes : sizes)[name];
  const length = options.queries === undefined ? size.length : { queries: options.queries };
  return windows(device, sloMs, { ...size, length, seed: options.seed });
}

/** What the windows of a set have in common, to follow their number. */
export function lengthText(name: SetName, quick: boolean): string {
  const { length } = (quick ? quickSizes : sizes)[name];
  return 'queries' in length
    ? `windows, each the first ${length.queries} queries of a trace`
    : `windows of ${1_000 * length.seconds} ms`;
}
