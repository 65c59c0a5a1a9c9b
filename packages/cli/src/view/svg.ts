/** A view as a picture: the same text as in the terminal, as an SVG that needs no font but a monospaced one. */
import type { Line, Style } from './text.js';

const fills: Readonly<Record<Style, string>> = {
  plain: '#d7dae0',
  dim: '#8b93a1',
  bold: '#ffffff',
  good: '#7ee787',
  warn: '#f2cc60',
  bad: '#ff7b72',
  bar: '#79c0ff',
};
const charWidth = 8.4;
const lineHeight = 20;
const margin = 20;

/** The lines on a dark ground; each piece of text is stretched to its columns, whatever the font. */
export function toSvg(lines: readonly Line[]): string {
  const columns = Math.max(1, ...lines.map((line) => line.reduce((sum, span) => sum + span.text.length, 0)));
  const width = Math.ceil(columns * charWidth + 2 * margin);
  const height = lines.length * lineHeight + 2 * margin;
  const text = lines.flatMap((line, index) => spans(line, margin + (index + 0.75) * lineHeight));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    '<title>The live view of npm start</title>',
    `<rect width="${width}" height="${height}" rx="8" fill="#12151b"/>`,
    `<g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">`,
    ...text,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function spans(line: Line, y: number): string[] {
  let column = 0;
  return line.flatMap(({ text, style }) => {
    const start = column + text.length - text.trimStart().length;
    column += text.length;
    const shown = text.trim();
    if (shown === '') return [];
    const x = (margin + start * charWidth).toFixed(1);
    const length = (shown.length * charWidth).toFixed(1);
    const weight = style === 'bold' ? ' font-weight="bold"' : '';
    const stretch = `textLength="${length}" lengthAdjust="spacingAndGlyphs"`;
    return [`<text x="${x}" y="${y}" fill="${fills[style]}" ${stretch}${weight}>${escaped(shown)}</text>`];
  });
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
