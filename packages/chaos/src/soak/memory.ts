/** Whether memory grows: heaps after a collection and resident memory, from quiet window to quiet window. */
import { canSampleProcesses } from '../watch/process.js';
import { slopePerMinute } from '../watch/trend.js';
import type { Findings } from './findings.js';
import { endsOf, pairsOf } from './levels.js';
import { brokerName, type ProcessLevel, type QuietWindow } from './rest.js';
import type { SoakRun } from './run.js';

/** What may have settled higher since the first window: code that has been compiled, the sequences that a leader remembers. */
const levelAllowed = { heapBytes: 16 * 2 ** 20, rssBytes: 48 * 2 ** 20 };
/** A slope is told by so many quiet windows at least; the first one does not count, since everything still settles then. */
const slopeWindows = 4;
const slopeAllowed = { heapBytes: 1.5 * 2 ** 20, rssBytes: 6 * 2 ** 20 };

type Kind = keyof typeof levelAllowed;
const kinds: readonly { kind: Kind; text: string }[] = [
  { kind: 'heapBytes', text: 'heap' },
  { kind: 'rssBytes', text: 'resident' },
];

/** Slopes of one process's memory over one life, per minute; undefined for what the process does not tell. */
export interface MemorySlope {
  name: string;
  pid: number;
  windows: number;
  heapBytes: number | undefined;
  rssBytes: number | undefined;
}

/** Undefined where this system tells of no process’s memory, or the soak was ended too soon. */
export function memoryBack(run: SoakRun): Findings | undefined {
  const ends = endsOf(run.quiets);
  if (ends === undefined || !canSampleProcesses) return undefined;
  const slopes = slopesOf(run.quiets);
  const silent = ends.after.processes.filter(({ name, heapBytes }) => name !== brokerName && heapBytes === undefined);
  const wrong = silent.map(({ name }) => `${name} did not tell its heap`);
  const said: string[] = [];
  for (const { kind, text } of kinds) {
    const levels = pairsOf(ends.before, ends.after).flatMap(({ now, then }) => levelText(now, then, kind) ?? []);
    wrong.push(...levels.filter(({ grew }) => grew).map(({ line }) => `${text}, too high: ${line}`));
    said.push(`${text}, MiB now (before): ${levels.map(({ line }) => line).join(', ')}`);
    const steep = slopes.filter((slope) => (slope[kind] ?? 0) > slopeAllowed[kind]);
    wrong.push(...steep.map((slope) => `${text} grows: ${slopeText(slope, kind)} over ${slope.windows} windows`));
    if (slopes.length > 0)
      said.push(`${text}, MiB a minute: ${slopes.map((slope) => slopeText(slope, kind)).join(', ')}`);
  }
  if (slopes.length === 0) said.push('no process saw enough quiet windows for a slope');
  return { wrong, said };
}

function levelText(now: ProcessLevel, then: ProcessLevel, kind: Kind): { line: string; grew: boolean } | undefined {
  const [high, low] = [now[kind], then[kind]];
  if (high === undefined || low === undefined) return undefined;
  return { line: `${now.name} ${mebibytes(high)} (${mebibytes(low)})`, grew: high > low + levelAllowed[kind] };
}

function slopeText(slope: MemorySlope, kind: Kind): string {
  const bytes = slope[kind];
  return `${slope.name} ${bytes === undefined ? '–' : mebibytes(bytes, 2)}`;
}

/**
 * Of all lives that saw enough quiet windows. Between them a heap floats with the load: only what stays when nothing is held
 * is growth.
 */
export function slopesOf([, ...quiets]: readonly QuietWindow[]): MemorySlope[] {
  const lives = new Map(quiets.flatMap(({ processes }) => processes.map(({ name, pid }) => [pid, name] as const)));
  return [...lives].flatMap(([pid, name]) => {
    const levels = quiets.flatMap(({ fromMs, processes }) => {
      const level = processes.find((each) => each.pid === pid);
      return level === undefined ? [] : [{ fromMs, level }];
    });
    if (levels.length < slopeWindows) return [];
    const slopeOf = (kind: Kind) =>
      slopePerMinute(
        levels.flatMap(({ fromMs, level }) => {
          const bytes = level[kind];
          return bytes === undefined ? [] : [[fromMs, bytes] as const];
        }),
      );
    return [{ name, pid, windows: levels.length, heapBytes: slopeOf('heapBytes'), rssBytes: slopeOf('rssBytes') }];
  });
}

export const mebibytes = (bytes: number, digits = 0): string => (bytes / 2 ** 20).toFixed(digits);
