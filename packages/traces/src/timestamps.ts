/** Points in time as logs write them: ISO 8601, or a number of seconds, milliseconds, microseconds or nanoseconds. */

export const timeUnits = ['iso', 's', 'ms', 'us', 'ns'] as const;
export type TimeUnit = (typeof timeUnits)[number];

const perMs: Readonly<Record<Exclude<TimeUnit, 'iso'>, number>> = { s: 1e-3, ms: 1, us: 1e3, ns: 1e6 };
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i;
const iso =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?\s*(?:(Z|UTC)|([+-])(\d\d):?(\d\d)?)?$/i;

/** Milliseconds, since 1970 or since whatever the numbers count from; undefined for what is no time of that unit. */
export function readTime(text: string, unit: TimeUnit): number | undefined {
  const trimmed = text.trim();
  if (unit === 'iso') return isoMs(trimmed);
  return decimal.test(trimmed) ? finite(Number(trimmed) / perMs[unit]) : undefined;
}

/**
 * The unit that a time is written in. Numbers are told apart by their size, for what is since 1970: seconds have 10
 * digits now, milliseconds 13, microseconds 16, nanoseconds 19. Smaller numbers count as seconds.
 */
export function unitOf(text: string): TimeUnit | undefined {
  const trimmed = text.trim();
  if (isoMs(trimmed) !== undefined) return 'iso';
  if (!decimal.test(trimmed)) return undefined;
  const size = Math.abs(Number(trimmed));
  if (size < 1e11) return 's';
  if (size < 1e14) return 'ms';
  return size < 1e17 ? 'us' : 'ns';
}

/** Without a zone it is taken as UTC, so that a log means the same on every machine. */
function isoMs(text: string): number | undefined {
  const [whole, year, month, day, hour, minute, second = '0', fraction = '0', , sign, zoneHour, zoneMinute = '0'] =
    iso.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const parts = [year, month, day, hour, minute, second].map(Number);
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = parts;
  // 60 is a leap second.
  if (mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) || h > 24 || mi > 59 || s > 60) return undefined;
  const zoneMs =
    sign === undefined ? 0 : (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000 * (sign === '-' ? -1 : 1);
  const midnight = new Date(0);
  midnight.setUTCFullYear(y, mo - 1, d);
  return midnight.getTime() + ((h * 60 + mi) * 60 + s) * 1_000 + Number(`0.${fraction}`) * 1_000 - zoneMs;
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(2_000 + (year % 400), month, 0)).getUTCDate();
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
