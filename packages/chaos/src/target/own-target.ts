/** What faults are done to in a system that was started here: everything can be done, and undone. */
import { kindOf, type NatsServer, type RunningSystem, type ServiceKind } from '@slackline/local';
import { type Bus, SlacklineError, type Subjects } from '@slackline/shared';
import type { ProcessProxies } from '../proxy/process-proxies.js';
import { leaderFirst, leaderId } from './leader.js';
import type { Cut, Role, Target, Victim } from './target.js';

export interface OwnTargetParts {
  /** To ask who leads. It must not go through a proxy. */
  bus: Bus;
  subjects: Subjects;
  /** What the system's `natsUrlOf` was; without, no connection can be cut. */
  proxies?: ProcessProxies;
}

const kinds: Readonly<Record<Exclude<Role, 'nats'>, ServiceKind>> = {
  worker: 'gpu-worker',
  scheduler: 'scheduler',
  ingest: 'ingest',
};

/** A victim stands for a name: started again, it is the new process of that name. */
export function ownTarget(system: RunningSystem, { bus, subjects, proxies }: OwnTargetParts): Target {
  const cut = (name: string, what: Cut) => {
    if (proxies === undefined) throw new SlacklineError('chaos_unsupported', `${name} was started without a proxy`);
    return proxies.cut(name, what);
  };
  const service = (role: Role, name: string, leads: boolean): Victim => ({
    ...{ role, name, leads },
    get pid() {
      return system.service(name).pid;
    },
    kill: async () => void (await system.kill(name)),
    stop: async () => void (await system.end(name)),
    pause: () => system.signal(name, 'SIGSTOP'),
    resume: () => system.signal(name, 'SIGCONT'),
    start: async () => void (await system.start(name)),
    cut: (what) => cut(name, what),
  });
  return {
    natsUrl: system.natsUrl,
    victims: async (role) => {
      if (role === 'nats') return [natsVictim(ourServer(system), proxies)].filter(({ isRunning }) => isRunning);
      const living = system.processes().filter(({ name, isReady }) => kindOf(name) === kinds[role] && isReady);
      const leader = role === 'scheduler' ? await leaderId(bus, subjects) : undefined;
      const asVictim = async ({ name, ready }: (typeof living)[number]) => {
        const { schedulerId } = await ready;
        return service(role, name, leader !== undefined && schedulerId === leader);
      };
      return leaderFirst(await Promise.all(living.map(asVictim)));
    },
  };
}

function ourServer({ natsServer }: RunningSystem): NatsServer {
  if (natsServer !== undefined) return natsServer;
  throw new SlacklineError('chaos_unsupported', 'The nats-server of NATS_URL is not ours to do anything to');
}

/** The broker. To cut it off is to cut everybody off from it. */
function natsVictim(server: NatsServer, proxies: ProcessProxies | undefined): Victim & { readonly isRunning: boolean } {
  return {
    ...{ role: 'nats', name: 'nats-server', leads: false },
    get pid() {
      return server.pid;
    },
    get isRunning() {
      return server.isRunning;
    },
    kill: () => server.kill(),
    stop: () => server.stop(),
    pause: () => server.signal('SIGSTOP'),
    resume: () => server.signal('SIGCONT'),
    start: async () => {
      if (!server.isRunning) await server.restart();
    },
    cut: (what) => {
      if (proxies === undefined)
        throw new SlacklineError('chaos_unsupported', 'The system was started without proxies');
      return proxies.cutAll(what);
    },
  };
}
