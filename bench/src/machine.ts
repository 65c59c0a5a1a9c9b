/** What figures were measured on: a rate means nothing without it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { findNatsBinary, inCheckout } from '@slackline/local';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly natsServer: string;
  /** Of the minute before the run: others that used the machine as well. */
  readonly loadAverage: number;
}

/** @throws SlacklineError `nats_server_missing` */
export async function machine(): Promise<Machine> {
  const [first, ...others] = cpus();
  const { version } = await findNatsBinary();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: others.length + 1,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    natsServer: version,
    loadAverage: loadavg()[0] ?? 0,
  };
}

/** What is measured; `-dirty` where anything but results was changed since. Undefined outside of a checkout. */
export async function commit(): Promise<string | undefined> {
  const git = (...args: string[]) => promisify(execFile)('git', args, { cwd: inCheckout('.') });
  try {
    const { stdout: changed } = await git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!results');
    const { stdout: described } = await git('describe', '--always');
    return `${described.trim()}${changed === '' ? '' : '-dirty'}`;
  } catch {
    return undefined;
  }
}

/** What the hypervisor has given to others since this was made. */
export class StolenTime {
  readonly #before = processorTicks();

  /** Of the processors' time; undefined where the kernel does not say. */
  share(): number | undefined {
    const [before, now] = [this.#before, processorTicks()];
    if (before === undefined || now === undefined || now.all === before.all) return undefined;
    return (now.stolen - before.stolen) / (now.all - before.all);
  }
}

/** Since the machine was started; https://man7.org/linux/man-pages/man5/proc_stat.5.html */
function processorTicks(): { all: number; stolen: number } | undefined {
  try {
    const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
    // user, nice, system, idle, iowait, irq, softirq, steal; what guests use is in the first two.
    const ticks = line.split(/\s+/).slice(1, 9).map(Number);
    const [stolen] = ticks.slice(7);
    return stolen === undefined ? undefined : { all: ticks.reduce((sum, each) => sum + each, 0), stolen };
  } catch {
    return undefined;
  }
}

/** Whether figures of one may stand beside figures of the other. */
export function isSame(one: Machine, other: Machine): boolean {
  const names = ['cpu', 'cores', 'memoryGiB', 'node', 'natsServer'] as const;
  return names.every((name) => one[name] === other[name]);
}
