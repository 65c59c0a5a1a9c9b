/** One fault that is asked for, again and again: `--kill worker`, `--cut scheduler:half-open=in,for=3s,every=10s`. */
import { type Cut, type Role, roles } from '../target/target.js';
import { durationMs, durationText } from '../time.js';

export const faultKinds = ['kill', 'pause', 'cut', 'restart'] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface FaultSeries {
  readonly kind: FaultKind;
  readonly role: Role;
  /** From one to the next; default: the plan's. */
  readonly everyMs?: number;
  /** The first one, from the load's start; default: one interval. */
  readonly fromMs?: number;
  /** At most so many; default: as many as there is time for. */
  readonly count?: number;
  /** Of a pause or a cut; default: the plan's. */
  readonly forMs?: number;
  /** Of a killed process: started again so long after; default: the plan's. */
  readonly restoreMs?: number;
  /** Only of `cut`; default: every byte is dropped. */
  readonly cut?: Cut;
  /** Whose turn it is: drawn by the seed (default), or one process after the other. */
  readonly pick?: 'drawn' | 'in turn';
}

const times = { every: 'everyMs', from: 'fromMs', for: 'forMs', restore: 'restoreMs' } as const;
const role = `takes a role (${roles.join(', ')})`;
const items = ['every=12s', 'from=3s', 'count=4'];
const cuts = ['drop', 'reset', 'delay=20ms', 'half-open=in', 'half-open=out'];
/** What may follow the colon. */
const itemsOf: Readonly<Record<FaultKind, readonly string[]>> = {
  kill: [...items, 'restore=1s'],
  pause: [...items, 'for=2s'],
  cut: [...items, 'for=2s', ...cuts],
  restart: items,
};

/**
 * Reads `<role>[:<item>,…]`.
 * @throws RangeError that says what the option takes
 */
export function readSeries(kind: FaultKind, text: string): FaultSeries {
  const wrong = (part?: string) => {
    const where = part === undefined ? '' : `, where ${JSON.stringify(part)} cannot stand,`;
    return new RangeError(`${role}, and after a colon${where} any of ${itemsOf[kind].join(', ')}`);
  };
  const [name = '', rest = '', ...more] = text.split(':');
  const hit = roles.find((each) => each === name);
  if (hit === undefined || more.length > 0) throw wrong();
  let series: FaultSeries = { kind, role: hit };
  for (const item of rest.split(',').filter((each) => each !== '')) {
    const read = readItem(kind, item);
    if (read === undefined) throw wrong(item);
    series = { ...series, ...read };
  }
  return series;
}

function readItem(kind: FaultKind, item: string): Partial<FaultSeries> | undefined {
  const [key = '', value = '', ...more] = item.split('=');
  if (more.length > 0) return undefined;
  if (key === 'count') return /^[1-9]\d{0,5}$/.test(value) ? { count: Number(value) } : undefined;
  if (isTime(key)) {
    const fits = key === 'for' ? kind === 'pause' || kind === 'cut' : key !== 'restore' || kind === 'kill';
    const ms = durationMs(value);
    return fits && ms !== undefined ? { [times[key]]: ms } : undefined;
  }
  const cut = kind === 'cut' ? readCut(key, value) : undefined;
  return cut && { cut };
}

const isTime = (key: string): key is keyof typeof times => Object.hasOwn(times, key);

function readCut(key: string, value: string): Cut | undefined {
  if ((key === 'drop' || key === 'reset') && value === '') return { kind: key };
  if (key === 'delay') {
    // Seconds, as elsewhere without a unit, nobody means here.
    const delayMs = /[a-z]$/.test(value) ? durationMs(value) : undefined;
    return delayMs === undefined ? undefined : { kind: 'delay', delayMs };
  }
  if (key !== 'half-open') return undefined;
  if (value === '' || value === 'in') return { kind: 'half-open', silent: 'in' };
  return value === 'out' ? { kind: 'half-open', silent: 'out' } : undefined;
}

function cutText(cut: Cut): string {
  if (cut.kind === 'delay') return `delay=${durationText(cut.delayMs).replace(' ', '')}`;
  return cut.kind === 'half-open' ? `half-open=${cut.silent}` : cut.kind;
}

/** `pause worker`, `cut scheduler (half-open=in)`. */
export function faultName({ kind, role, cut }: Pick<FaultSeries, 'kind' | 'role' | 'cut'>): string {
  return cut === undefined ? `${kind} ${role}` : `${kind} ${role} (${cutText(cut)})`;
}
