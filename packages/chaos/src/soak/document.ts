/** A soak's result for a program, and for a person at a terminal. */
import { counted } from '../count.js';
import type { Invariant } from '../verdict/invariant.js';
import type { StoreSample } from '../watch/stores.js';
import { type Books, summed } from './load/ledger.js';
import { type MemorySlope, slopesOf } from './memory.js';
import type { QuietWindow } from './rest.js';
import type { SoakOptions, SoakRun } from './run.js';
import { missingOf, type SoakVerdict } from './verdict.js';

/** `slackline soak --json`. */
export interface SoakDocument extends Omit<SoakOptions, 'logDir'>, Books {
  accepted: number;
  /** Accepted, and without an outcome that a producer saw. */
  missing: number;
  /** Faults that were done, those that could not be left out. */
  faults: { atMs: number; kind: string; role: string; victim: string; led: boolean; wholeAfterMs: number | null }[];
  /** The quiet windows with the levels in them. */
  windows: SoakWindow[];
  memorySlopes: MemorySlope[];
  checks: Invariant[];
  verdict: 'pass' | 'fail';
}

/** A quiet window; of a store’s consumers only how many there are. */
type SoakWindow = Omit<QuietWindow, 'stores'> & { stores: (Omit<StoreSample, 'consumers'> & { consumers: number })[] };

export function soakDocument(run: SoakRun, { verdict, checks }: SoakVerdict): SoakDocument {
  const { logDir: _logDir, ...options } = run.options;
  return {
    ...options,
    ...summed(run.rounds.map(({ books }) => books)),
    accepted: run.rounds.reduce((sum, { accepted }) => sum + accepted, 0),
    missing: run.rounds.reduce((sum, round) => sum + missingOf(round), 0),
    faults: run.faults.flatMap(({ planned: { kind, role }, victim, led, atMs, wholeAtMs, error }) =>
      error !== null || victim === null
        ? []
        : [{ atMs, kind, role, victim, led, wholeAfterMs: wholeAtMs === null ? null : wholeAtMs - atMs }],
    ),
    windows: run.quiets.map(withCounts),
    memorySlopes: slopesOf(run.quiets),
    checks,
    verdict,
  };
}

function withCounts(window: QuietWindow): SoakWindow {
  const stores = window.stores.map(({ consumers, ...store }) => ({ ...store, consumers: consumers.length }));
  return { ...window, stores };
}

const marks: Readonly<Record<Invariant['state'], string>> = { pass: 'ok  ', fail: 'FAIL', untested: '–   ' };

/** The checks with their evidence, and the verdict as the last line. */
export function soakText(run: SoakRun, { verdict, checks }: SoakVerdict): string {
  const lines = checks.flatMap(({ name, state, evidence }) => [
    `${marks[state]}  ${name}`,
    ...evidence.map((line) => `        ${line}`),
  ]);
  const done = run.faults.filter(({ error }) => error === null).length;
  const { minutes, seed } = run.options;
  return `\n${[...lines, '', `verdict: ${verdict} (${counted(minutes, 'minute')}, seed ${seed}, ${counted(done, 'fault')})`].join('\n')}\n`;
}
