/** Processor time of processes, as Linux counts it: in hundredths of a second, user and system together. */
import { readFileSync } from 'node:fs';

/** `USER_HZ`, which is 100 on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** Seconds of a core that a process has used so far; NaN when it has ended, or where there is no /proc. */
export function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before it stands in parentheses and may hold anything; user and system time are fields 14 and 15 of all.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return Number.NaN;
  }
}

/** The same of several processes, by name. */
export function cpuSecondsOf(pids: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)]));
}

/** What each used between two readings for every 1,000 queries, in seconds. */
export function cpuPer1000(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  queries: number,
): Record<string, number> {
  const used = (name: string) => (1_000 * ((after[name] ?? Number.NaN) - (before[name] ?? Number.NaN))) / queries;
  return Object.fromEntries(Object.keys(after).map((name) => [name, used(name)]));
}
