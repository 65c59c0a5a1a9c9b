/** Writes results/<figure>.md and its plots. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from '../figure.js';
import { markdown } from '../report/markdown.js';
import type { Report } from '../report/report.js';
import { machine } from './machine.js';

interface RunFacts {
  readonly seed: number;
  readonly quick: boolean;
  readonly live: boolean;
  readonly seconds: number;
}

export function writeReport(folder: string, figure: Figure, report: Report, facts: RunFacts): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, svg] of Object.entries(report.plots)) {
    if (!name.startsWith(`${figure.name}`)) throw new RangeError(`${name} does not begin with ${figure.name}`);
    writeFileSync(join(folder, name), svg);
  }
  const text = markdown([`# ${figure.title}`, headline(figure, facts), ...report.parts]);
  writeFileSync(reportPath(folder, figure), `${text}\n`);
}

/** Says why there is no report, unless an earlier run left one: that is worth more. */
export function writeSkipped(folder: string, figure: Figure, reason: string): void {
  if (existsSync(reportPath(folder, figure))) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(reportPath(folder, figure), `${markdown([`# ${figure.title}`, `Not run: ${reason}.`])}\n`);
}

/** Removes what an earlier run wrote, so that no plot stays that the new report does not show. */
export function removeReport(folder: string, figure: Figure): void {
  if (!existsSync(folder)) return;
  const belongs = (name: string) =>
    name === `${figure.name}.md` ||
    (name.startsWith(`${figure.name}-`) && name.endsWith('.svg')) ||
    name === `${figure.name}.svg`;
  for (const name of readdirSync(folder).filter(belongs)) rmSync(join(folder, name));
}

function headline(figure: Figure, { seed, quick, live, seconds }: RunFacts): string {
  const { cpu, cores, memoryGiB, node } = machine();
  const options = [
    ...(quick ? ['--quick'] : []),
    ...(live ? [] : ['--no-live']),
    ...(seed === 1 ? [] : [`--seed ${seed}`]),
  ];
  const command = ['npm run experiments --', figure.name, ...options].join(' ');
  const small = quick ? ' **Tiny settings: read nothing off these numbers.**' : '';
  return (
    `Written by \`${command}\`: do not edit. Seed ${seed}; ${seconds.toFixed(0)} s on ${cores} cores of ${cpu}, ` +
    `${memoryGiB} GiB, node ${node}.${small}`
  );
}

function reportPath(folder: string, figure: Figure): string {
  return join(folder, `${figure.name}.md`);
}
