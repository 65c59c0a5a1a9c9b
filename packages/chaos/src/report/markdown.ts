/** A run's report as Markdown, beside its timeline. */
import { counted } from '../count.js';
import { planLines } from '../plan/plan.js';
import type { ChaosDocument } from './document.js';
import { floored, headline } from './headline.js';
import { countRows, faultRows, type Rows, timeRows } from './rows.js';

export const timelineFile = 'timeline.svg';

export function markdown(document: ChaosDocument): string {
  const { invariants, hypotheses, notes, witness, interrupted } = document;
  const times = timeRows(document);
  const parts = [
    `# Chaos: ${document.preset ?? 'a run'} – ${document.verdict}`,
    `${headline(document)}.${interrupted ? ' The run was interrupted.' : ''}`,
    `![Rate, attainment, accuracy and workers over time](${timelineFile})`,
    setting(document),
    code(document.replay),
    ...notes,
    '## What always holds',
    ...invariants.map(({ name, state, evidence }) => `**${state}**: ${name}.\n\n${bullets(evidence)}`),
    ...(hypotheses.length === 0
      ? []
      : [
          '## Hypotheses',
          table({
            head: ['', 'hypothesis', 'measured'],
            rows: hypotheses.map(({ state, hypothesis, measured }) => [
              state,
              `\`${hypothesis}\``,
              measured === null ? 'not measured' : String(measured),
            ]),
          }),
        ]),
    '## Queries',
    table(countRows(document)),
    `Attainment ${floored(document.attainment, 5)} of all that were sent; accuracy ${(100 * document.accuracy).toFixed(2)} % in the ` +
      `mean, ${(100 * document.accuracyFirst).toFixed(2)} % in the first part and ${(100 * document.accuracyLast).toFixed(2)} % in ` +
      `the last. Latency ${document.latencyMs?.p50 ?? '–'} ms in the median and at most ${document.latencyMs?.max ?? '–'} ms. The ` +
      `producer sent 99 of 100 queries at most ${document.sendLagMs.p99.toFixed(1)} ms late.`,
    '## Faults',
    table(faultRows(document)),
    ...(times.rows.length === 0 ? [] : [table(times)]),
    'What each time means: docs/chaos.md. `–`: there was nothing to see, as when a worker held nothing.',
    '## Plan',
    code(planLines(document.plan).join('\n')),
    `The witness was busy for ${(100 * witness.busyShare).toFixed(1)} % of its thread’s time, was cut off ${counted(witness.gaps, 'time')} and ` +
      `could not read ${counted(witness.unreadable, 'message')}.`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function setting({
  model,
  arrivals,
  rate,
  seconds,
  sloMs,
  executor,
  storage,
  policy,
  ...document
}: ChaosDocument): string {
  const { workers, schedulers, ingests } = document;
  const pool =
    workers === null
      ? 'on a system that ran already'
      : `on ${counted(workers, 'worker')}, ${count(schedulers, 'scheduler')} and ${count(ingests, 'ingest')}`;
  const emulated = executor === 'emulated' ? ': workers hold each batch for its profiled time and compute nothing' : '';
  return (
    `${rate} queries a second (${arrivals}) to ${model} for ${seconds} s, limit ${sloMs} ms, ${pool}; executor ${executor}${emulated}; ` +
    `streams in ${storage === 'file' ? 'files' : 'memory'}${policy === null ? '' : `; policy ${policy}`}. Seed ${document.seed}.`
  );
}

const count = (n: number | null, what: string) => (n === null ? `? ${what}s` : counted(n, what));
const code = (content: string) => ['```', content, '```'].join('\n');
const bullets = (lines: readonly string[]) => lines.map((line) => `- ${line}`).join('\n');

function table({ head, rows }: Rows): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
