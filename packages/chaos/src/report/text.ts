/** A run's result for a person at a terminal. */
import type { ChaosDocument } from './document.js';
import { headline } from './headline.js';
import { countRows, faultRows, type Rows, timeRows } from './rows.js';

/** More faults than this are summed up only; the JSON and the report have all. */
const mostFaults = 24;

export function text(document: ChaosDocument): string {
  const { invariants, hypotheses, faults, notes, verdict, replay } = document;
  const marks = { pass: '✓', fail: '✗', untested: '–' };
  const times = timeRows(document);
  const lines = [
    '',
    headline(document),
    '',
    ...notes.map((note) => `  ${note}`),
    ...(notes.length > 0 ? [''] : []),
    ...columns(countRows(document)),
    '',
    ...(faults.length > 0 && faults.length <= mostFaults ? [...columns(faultRows(document)), ''] : []),
    ...(times.rows.length > 0 ? [...columns(times), ''] : []),
    ...invariants.flatMap(({ name, state, evidence }) => [
      `  ${marks[state]} ${name}${state === 'untested' ? ' (untested)' : ''}`,
      ...evidence.map((line) => `      ${line}`),
    ]),
    ...hypotheses.map(
      ({ hypothesis, state, measured }) => `  ${marks[state]} ${hypothesis} (measured: ${measured ?? 'nothing'})`,
    ),
    '',
    `  verdict: ${verdict}`,
    `  again:   ${replay}`,
  ];
  return `${lines.join('\n')}\n`;
}

function columns({ head, rows }: Rows): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  return all.map(
    (row) =>
      `  ${row.map((cell, i) => (i === 1 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')}`,
  );
}
