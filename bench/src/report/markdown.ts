/** Tables and numbers as reports write them. */

/** Columns whose cells are all numbers stand on the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, column) => (rows.every((row) => isNumber(row[column] ?? '')) ? '---:' : '---'));
  return [head, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function isNumber(text: string): boolean {
  return /^[−+-]?[\d,.]+( ?(%|x|ms|s|kB))?$/.test(text) || text === none;
}

/** Of a cell that has nothing to say. */
export const none = '–';

/** 17977.4 as "17,977". */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** With so many digits; a dash for what is not known. */
export function digits(value: number | null | undefined, count: number): string {
  return value === undefined || value === null || !Number.isFinite(value) ? none : value.toFixed(count);
}

/** 0.99912 as "0.9991". Never rounded up to 1: what is not all is not all. */
export function share(value: number, count = 4): string {
  const text = value.toFixed(count);
  return value < 1 && Number(text) === 1 ? (1 - 10 ** -count).toFixed(count) : text;
}

/** 0.6213 as "0.62 x". */
export function times(value: number | undefined): string {
  return value === undefined ? none : `${value.toFixed(2)} x`;
}

/** 784 as "784 B", 150,000 as "150 kB". */
export function bytes(value: number): string {
  return value < 1_000 ? `${Math.round(value)} B` : `${digits(value / 1_000, value < 10_000 ? 1 : 0)} kB`;
}
