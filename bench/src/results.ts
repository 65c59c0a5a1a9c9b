/** The files of a run: bus.json, bus.md and plots, in a folder that earlier runs may have written to. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BusDocument, isComparable } from './document.js';
import { flameGraph } from './flame/index.js';
import { whyNot } from './part.js';
import { plotsOf } from './report/plots.js';
import { plotFolder, reportOf } from './report/report.js';
import type { RunResult } from './run.js';

/** What an earlier run left in this folder; undefined where there is nothing that can be read. */
export function readEarlier(folder: string): BusDocument | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'bus.json'), 'utf8')) as BusDocument;
  } catch {
    return undefined;
  }
}

/**
 * Parts that were not run, had no time or found nothing stay as an earlier run found them, if the two can be compared; `run`
 * then says when that was.
 */
export function merged(document: BusDocument, earlier: BusDocument | undefined): BusDocument {
  if (earlier === undefined || !isComparable(earlier, document)) return document;
  const { machine: _machine, run: earlierRun, ratio, ...parts } = earlier;
  const isKept = (name: string) => {
    const now = (document as unknown as Readonly<Record<string, object | undefined>>)[name];
    return now === undefined || whyNot(now) !== undefined;
  };
  const kept = Object.entries(parts).filter(([name, part]) => isKept(name) && whyNot(part) === undefined);
  // A ratio is of two that were measured in turns.
  const names = kept.map(([name]) => name);
  const hasBoth = names.includes('slackline') && names.includes('ceiling');
  const from = names.map(
    (name) =>
      [name, earlierRun.earlier[name] ?? `${earlierRun.startedAt} at ${earlierRun.commit ?? 'no commit'}`] as const,
  );
  return {
    ...document,
    ...Object.fromEntries(kept),
    ...(hasBoth && ratio && { ratio }),
    run: { ...document.run, earlier: Object.fromEntries(from) },
  };
}

export function writeResults(folder: string, { document, profiles }: Pick<RunResult, 'document' | 'profiles'>): void {
  const plots = join(folder, plotFolder);
  mkdirSync(plots, { recursive: true });
  writeFileSync(join(folder, 'bus.json'), `${JSON.stringify(document, undefined, 1)}\n`);
  writeFileSync(join(folder, 'bus.md'), reportOf(document));
  for (const [name, svg] of Object.entries(plotsOf(document))) writeFileSync(join(plots, name), svg);
  for (const [name, profile] of Object.entries(profiles)) {
    writeFileSync(join(plots, `flame-${name}.svg`), flameGraph(profile, { title: `${name} at the highest rate` }));
  }
}
