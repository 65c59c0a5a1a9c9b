/** What figures were measured on: a rate means nothing without it. */
import { cpus, loadavg, totalmem } from 'node:os';
import { findNatsBinary } from '@slackline/local';

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

/** Whether figures of one may stand beside figures of the other. */
export function isSame(one: Machine, other: Machine): boolean {
  const names = ['cpu', 'cores', 'memoryGiB', 'node', 'natsServer'] as const;
  return names.every((name) => one[name] === other[name]);
}
