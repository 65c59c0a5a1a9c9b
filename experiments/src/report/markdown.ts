/** Reports as markdown. */
import type { Part, Table } from './report.js';

/** The parts as one text, with an empty line between them. */
export function markdown(parts: readonly Part[]): string {
  return parts.map(textOf).join('\n\n');
}

function textOf(part: Part): string {
  if (typeof part === 'string') return part;
  if ('heading' in part) return `## ${part.heading}`;
  if ('plot' in part) return `![${part.caption}](${part.plot})`;
  return tableText(part.table);
}

/** Numbers stand on the right, words on the left. */
function tableText({ head, rows }: Table): string {
  const rule = head.map((_, column) => (rows.every((row) => isNumber(row[column] ?? '')) ? '---:' : '---'));
  return [head, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function isNumber(text: string): boolean {
  return /^(\*\*)?[−+-]?[\d,.]+( ?(%|x|ms|qps|points))?(\*\*)?$/.test(text) || text === '–';
}
