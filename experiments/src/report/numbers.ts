/** Numbers as reports write them. */

/** 0.99912 as "0.9991". Never rounded up to 1: what is not all is not all. */
export function share(value: number, digits = 4): string {
  const text = value.toFixed(digits);
  return value < 1 && Number(text) === 1 ? (1 - 10 ** -digits).toFixed(digits) : text;
}

/** 0.7915 as "79.15". */
export function percent(value: number, digits = 2): string {
  return (100 * value).toFixed(digits);
}

/** A difference with its sign: +4.67 or −0.12. */
export function signed(value: number, digits = 2): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? '−' : '+'}${text}`;
}

/** 17977.4 as "17,977". */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Names in a sentence: "a", "a and b", "a, b and c". */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
