/** A part of a run has figures, or the reason why it has none. */

/** Why a part has no figures. */
export type NotRun = { readonly skipped: string } | { readonly failed: string };

/** The figures of a part that has some. */
export function found<T extends object>(part: T | undefined): Exclude<T, NotRun> | undefined {
  return part === undefined || 'skipped' in part || 'failed' in part ? undefined : (part as Exclude<T, NotRun>);
}

/** Why a part that was asked for has none. */
export function whyNot(part: object | undefined): string | undefined {
  if (part === undefined) return undefined;
  if ('skipped' in part) return String(part.skipped);
  return 'failed' in part ? `it failed: ${String(part.failed)}` : undefined;
}
