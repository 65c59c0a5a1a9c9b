/** The clock of a run: all threads and processes of a machine share it. */

/** Milliseconds that only grow, with fractions; zero lies anywhere. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

const inMs = { ms: 1, s: 1_000, m: 60_000 } as const;

/** `12s`, `1.5m`, `300ms`, and `12` for seconds: in milliseconds. Undefined for anything else, and for what is not above 0. */
export function durationMs(text: string): number | undefined {
  const [, number = '', unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text.trim()) ?? [];
  // To the nanosecond: 8.008 s are 8,008 ms.
  const ms = Number((Number(number) * inMs[unit as keyof typeof inMs]).toFixed(6));
  return number !== '' && ms > 0 ? ms : undefined;
}

/** As a person writes it: `12 s`, `300 ms`. */
export function durationText(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Number((ms / 1_000).toFixed(2))} s`;
}
