/** Text from outside in sentences of ours. */

/** Quoted, without control characters, cut to 64 characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
