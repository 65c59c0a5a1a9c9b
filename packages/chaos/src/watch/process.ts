/**
 * What one process takes of its machine, read from /proc by its id. Where there is no /proc (macOS, Windows) only its life
 * is known: every figure is undefined, and `canSampleProcesses` says so.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** A figure that the system does not tell (no /proc, another user's process) is undefined. */
export interface ProcessSample {
  /** Resident memory, pages shared with others included. */
  rssBytes: number | undefined;
  /** Processor time since its start, user and system. */
  cpuMs: number | undefined;
  /** Open file descriptors: files, sockets, pipes, timers of the event loop. */
  fds: number | undefined;
  threads: number | undefined;
}

/** Whether this system tells more of a process than that it lives. */
export const canSampleProcesses = existsSync('/proc/self/status');

const nothing: ProcessSample = { rssBytes: undefined, cpuMs: undefined, fds: undefined, threads: undefined };
/** Linux counts processor time for /proc in hundredths of a second, whatever the kernel's own tick is. */
const msPerTick = 10;

/** Reads a process; undefined when it is gone, a zombie included. Takes some tens of microseconds. */
export function sampleProcess(pid: number): ProcessSample | undefined {
  if (!canSampleProcesses) return isAlive(pid) ? nothing : undefined;
  const status = read(`/proc/${pid}/status`);
  // A zombie has a status, and no memory any more.
  if (status === undefined || /^State:\s+[ZX]/m.test(status)) return undefined;
  const kiloBytes = numberAfter(status, 'VmRSS');
  return {
    rssBytes: kiloBytes === undefined ? undefined : kiloBytes * 1_024,
    cpuMs: cpuMsOf(read(`/proc/${pid}/stat`)),
    fds: entriesOf(`/proc/${pid}/fd`),
    threads: numberAfter(status, 'Threads'),
  };
}

function numberAfter(status: string, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The name before the fields is in parentheses and may hold anything; user and system time are 12 and 13 behind it. */
function cpuMsOf(stat: string | undefined): number | undefined {
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields?.[11]) + Number(fields?.[12]);
  return Number.isFinite(ticks) ? ticks * msPerTick : undefined;
}

function entriesOf(folder: string): number | undefined {
  try {
    return readdirSync(folder).length;
  } catch {
    return undefined;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
