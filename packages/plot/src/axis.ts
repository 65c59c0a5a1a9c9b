/** One axis: from values to pixels, with readable ticks. */
import { scaleLinear, scaleLog } from 'd3-scale';

/** The plot's inside, in pixels. */
export interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Scale {
  /** Pixels; NaN for what a logarithmic axis cannot show. */
  at(value: number): number;
  readonly ticks: readonly number[];
  readonly label: (value: number) => string;
}

interface AxisOptions {
  scale?: 'linear' | 'log';
  min?: number;
  max?: number;
  limit?: number;
}

const tickCount = 6;
/** What differs by less, in proportion, counts as one value; and nothing smaller can be told from zero. */
const least = 1e-9;

/**
 * The bounds of an axis: those given, else those of the values. An empty or flat domain is widened, away from a bound
 * that was given, and not beyond the limit.
 */
export function domainOf(axis: AxisOptions, values: readonly number[]): [number, number] {
  const log = axis.scale === 'log';
  const shown = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  const low = axis.min ?? shown.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = axis.max ?? shown.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(low) || !Number.isFinite(high)) return log ? [1, 10] : [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high), least);
  if (high - low > least * size) return [low, high];
  if (log) return [low / 2, low * 2];
  return widened(axis, axis.min ?? axis.max ?? low);
}

function widened({ min, max, limit }: AxisOptions, at: number): [number, number] {
  const by = Math.abs(at) <= least ? 1 : Math.abs(at) / 2;
  // Away from a bound that was given; and what is all zero is mostly counts and times, which cannot be less.
  const low = max === undefined && (min !== undefined || at === 0) ? at : at - by;
  const high = max !== undefined && min === undefined ? at : at + by;
  return [low, Math.max(at, Math.min(high, limit ?? high))];
}

/** The scale of an axis over `range`, in pixels. Bounds that are not given are widened to round values. */
export function scaleOf(axis: AxisOptions, domain: [number, number], range: [number, number]): Scale {
  if (axis.scale === 'log') return logarithmic(domain, range);
  const scale = scaleLinear(domain, range);
  if (axis.min === undefined && axis.max === undefined) scale.nice(tickCount);
  const [low = 0, high = 1] = scale.domain();
  if (axis.limit !== undefined && high > axis.limit) scale.domain([low, Math.max(domain[1], axis.limit)]);
  const format = scale.tickFormat(tickCount);
  return { at: (value) => scale(value), ticks: scale.ticks(tickCount), label: (value) => format(value) };
}

/** With a little room at both ends, for whole powers of ten would waste most of a narrow domain. */
function logarithmic([low, high]: [number, number], range: [number, number]): Scale {
  const room = (high / low) ** 0.04;
  const scale = scaleLog([low / room, high * room], range);
  const decades = Math.log10(high / low);
  const digits = decades > 2.5 ? [1] : decades > 1.2 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)); power++) {
    for (const digit of digits) ticks.push(Number((digit * 10 ** power).toPrecision(3)));
  }
  const [first = low, last = high] = scale.domain();
  const at = (value: number) => (value > 0 ? scale(value) : Number.NaN);
  return { at, ticks: ticks.filter((tick) => tick >= first && tick <= last), label: decimal };
}

/** As short as it can be: many zeros leave no room beside an axis. */
function decimal(value: number): string {
  return value < 1e-3 ? value.toExponential() : `${value}`;
}

/** Where the ticks stand, in pixels, and what is written there. */
export function ticksOf(scale: Scale): { at: number; label: string }[] {
  return scale.ticks.map((tick) => ({ at: scale.at(tick), label: scale.label(tick) }));
}
