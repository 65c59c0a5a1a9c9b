/** A campaign's report: a table for people, in the terminal and in results/fuzz.md. */
import type { CampaignReport, DoorReport } from './campaign.js';

/** What came of a door's inputs, the most frequent first. */
const resultsText = ({ results }: DoorReport) =>
  Object.entries(results)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

const row = (cells: readonly (string | number | undefined)[]) => `| ${cells.map((cell) => cell ?? '').join(' | ')} |`;

/** The whole report as Markdown. */
export function markdown(report: CampaignReport): string {
  const { doors, processes, books, probes, failures } = report;
  return [
    `${report.inputs} inputs with the seed ${report.seed} in ${report.seconds} s: ${failures.length === 0 ? 'nothing failed' : `${failures.length} failures`}.`,
    '',
    row(['door', 'inputs', 'what became of them', 'rule']),
    row(['---', '---:', '---', '---']),
    ...doors.map((door) => row([`\`${door.door}\``, door.inputs, resultsText(door), door.rule])),
    '',
    `Good queries in between: ${probes.asked}, ok: ${probes.ok}, the slowest after ${probes.slowestMs} ms.`,
    `Stored in the stream: ${books.stored} = ${books.ok} ok + ${books.late} late + ${books.expired} expired + ${books.failed} failed + ${books.unreadable} that nobody could read.`,
    `Logs of all processes: ${(report.logBytes / 1024).toFixed(0)} KiB.`,
    '',
    row(['process', 'memory after warming up (MiB)', 'at the end (MiB)', 'descriptors', 'at the end']),
    row(['---', '---:', '---:', '---:', '---:']),
    ...processes.map((each) => row([each.name, each.firstRssMiB, each.lastRssMiB, each.firstFds, each.lastFds])),
    ...(failures.length === 0 ? [] : ['', '## Failures', '']),
    ...failures.map(({ what, replay }) => `- \`${replay}\`: ${what}`),
    '',
  ].join('\n');
}
