/** Text with colours that a terminal and a picture can both show. */

export type Style = 'plain' | 'dim' | 'bold' | 'good' | 'warn' | 'bad' | 'bar';

export interface Span {
  text: string;
  style: Style;
}
export type Line = readonly Span[];

export const plain = (text: string): Span => ({ text, style: 'plain' });
export const dim = (text: string): Span => ({ text, style: 'dim' });
export const bold = (text: string): Span => ({ text, style: 'bold' });

const steps = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** One character a value: how far it lies between `low` and `high`. A value that is not there is a gap. */
export function sparkline(values: readonly (number | null)[], low: number, high: number): string {
  const range = high - low || 1;
  const character = (value: number | null) => {
    if (value === null) return ' ';
    const step = Math.floor(((value - low) / range) * steps.length);
    return steps[Math.max(0, Math.min(steps.length - 1, step))];
  };
  return values.map(character).join('');
}

/** A bar of `width` characters for a share of 0..1; anything above 0 shows. */
export function bar(share: number, width: number): string {
  return '█'.repeat(share > 0 ? Math.max(1, Math.round(share * width)) : 0);
}

/** `99.87 %`, or a dash for nothing; only all of it is 100 %. */
export function percent(share: number | null, digits = 2): string {
  if (share === null) return '–';
  const factor = 10 ** digits;
  return `${(Math.floor(share * 100 * factor + 1e-9) / factor).toFixed(digits)} %`;
}

/** A count with thin groups: `12,345`. */
export const grouped = (count: number): string => count.toLocaleString('en-US');
