/** results/bus.md, made from the document alone. */
import type { BusDocument } from '../document.js';
import { costSection, latencySection, overheadSection } from './costs.js';
import { goalsSection } from './goals.js';
import { highestSection } from './highest.js';
import { digits } from './markdown.js';
import { peersSection, traceSection } from './others.js';
import { storageSection } from './storage.js';

/** Folder of the plots beside the report. */
export const plotFolder = 'bus';

export function reportOf(document: BusDocument): string {
  const { machine, run } = document;
  const { cpu, cores, memoryGiB, node, natsServer, loadAverage } = machine;
  const tiny = run.quick ? ' **Tiny settings: read nothing off these numbers.**' : '';
  const parts = [
    '# The whole path at full load',
    `Written by \`npm run bench:bus\`: do not edit. ${run.startedAt}, ${run.seconds} s${run.commit === undefined ? '' : ` at ${run.commit}`} on ${cores} cores of ${cpu}, ${memoryGiB} GiB, ` +
      `node ${node}, nats-server ${natsServer}, load average ${digits(loadAverage, 2)} before it began${stolenText(run.stolen)}.${tiny}`,
    'Everything runs on this one machine: the load, nats-server, ingest, scheduler and workers, answers received and counted. ' +
      `Unless something else is said: bodies of 784 B, streams in memory with one replica, ${run.devices}, policy \`${run.policy}\`, ` +
      `limit ${run.sloMs} ms, queries evenly spaced, sent whether or not earlier ones were answered. Absolute rates are this ` +
      'machine’s; ratios are to be compared. docs/performance.md tells what is measured how.',
    ...(run.troubles.length === 0 ? [] : [`Failed on the way: ${run.troubles.join('; ')}.`]),
    ...(run.guessed.length === 0 ? [] : [`Guessed, as nobody has measured it: ${run.guessed.join('; ')}.`]),
    ...earlierText(run.earlier),
    ...goalsSection(document),
    ...highestSection(document, plotFolder),
    ...latencySection(document),
    ...overheadSection(document),
    ...storageSection(document),
    ...peersSection(document),
    ...traceSection(document),
    ...costSection(document, plotFolder),
  ];
  return `${parts.join('\n\n')}\n`;
}

function stolenText(stolen: number | undefined): string {
  return stolen === undefined
    ? ''
    : `, ${digits(100 * stolen, 1)} % of the processors’ time given to other machines meanwhile`;
}

function earlierText(earlier: Readonly<Record<string, string>>): string[] {
  const parts = Object.entries(earlier).map(([name, startedAt]) => `${name} (${startedAt})`);
  return parts.length === 0 ? [] : [`Found by earlier runs on this machine: ${parts.join(', ')}.`];
}
