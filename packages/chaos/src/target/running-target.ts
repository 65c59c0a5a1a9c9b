/**
 * What faults are done to in a system that somebody else started: the processes that have announced themselves on the bus
 * and run on this host. They can be ended and paused; whoever started them starts them again, and nobody stands between
 * them and their broker.
 */
import { hostname } from 'node:os';
import { type Bus, type ServiceInstance, SlacklineError, type Subjects } from '@slackline/shared';
import { leaderFirst, leaderId } from './leader.js';
import { LocalProcess } from './local-process.js';
import type { Role, Target, Victim } from './target.js';

export interface RunningTargetParts {
  bus: Bus;
  subjects: Subjects;
  /** Where a producer connects. */
  natsUrl: string;
  /** How long announcements are collected for. A process that is paused does not answer. Default 300 ms. */
  limitMs?: number;
}

interface Kind {
  /** As it announces itself. */
  service: string;
  /** What it was started with. */
  commandLine: RegExp;
}

const entry = (folder: string): RegExp => new RegExp(`[/\\\\]${folder}[/\\\\](dist|src)[/\\\\]main\\.[jt]s\\b`);
const kinds: Readonly<Record<Exclude<Role, 'nats'>, Kind>> = {
  worker: { service: 'slackline-worker', commandLine: entry('gpu-worker') },
  scheduler: { service: 'slackline-scheduler', commandLine: entry('scheduler') },
  ingest: { service: 'slackline-ingest', commandLine: entry('ingest') },
};

export function runningTarget({ bus, subjects, natsUrl, limitMs = 300 }: RunningTargetParts): Target {
  return {
    natsUrl,
    victims: async (role) => {
      if (role === 'nats')
        throw unsupported('The nats-server of a system that runs already is not ours to do anything to');
      const found = await bus.discover(limitMs);
      const leader = role === 'scheduler' ? await leaderId(bus, subjects) : undefined;
      return leaderFirst(found.flatMap((each) => victimOf(each, role, subjects.prefix, leader)));
    },
  };
}

/** The process behind an announcement, if it is of this role and deployment and runs here. */
function victimOf(
  { name: service, metadata }: ServiceInstance,
  role: Exclude<Role, 'nats'>,
  prefix: string,
  leader: string | undefined,
): Victim[] {
  const kind = kinds[role];
  if (service !== kind.service || metadata.host !== hostname() || metadata.prefix !== prefix) return [];
  const found = LocalProcess.find(Number(metadata.pid), kind.commandLine);
  if (found === undefined) return [];
  const name = metadata.name ?? `${role} ${found.pid}`;
  return [
    {
      ...{ role, name, pid: found.pid },
      leads: leader !== undefined && metadata.schedulerId === leader,
      kill: () => found.kill(),
      stop: () => found.stop(),
      pause: () => found.signal('SIGSTOP'),
      resume: () => found.signal('SIGCONT'),
      start: () => Promise.reject(unsupported(`${name} is started again by whoever started it`)),
      cut: () => {
        throw unsupported(`No proxy stands between ${name} and its broker`);
      },
    },
  ];
}

function unsupported(sentence: string): SlacklineError {
  return new SlacklineError('chaos_unsupported', sentence);
}
