/** Slackline as a contender: a whole system that is started, loaded from this process, and ended. */
import { join } from 'node:path';
import { type Figures, generateLoad, type LoadModel, type LoadOptions } from '@slackline/load';
import { nameOf, type RunningSystem, startSystem, TemporaryFolder } from '@slackline/local';
import { checkSpec, type Trace } from '@slackline/traces';
import { specOf } from '../arrivals.js';
import { type Contender, type ContenderSettings, type RunningContender, type StepAsked, sloMs } from '../contender.js';
import { stepOf } from './figures.js';
import {
  defaultDeviceProfile,
  entryOf,
  readTable,
  type SlacklineChoices,
  systemOptions,
  withPayload,
} from './settings.js';

/** After the last query: a deadline is 36 ms, and what is not answered long after it never will be. */
const settleMs = 2_000;
/** A system answers when a trickle of queries is answered in time; it gets so long for it. */
const trickle = { rate: 50, seconds: 0.4 };
const answersWithinMs = 20_000;

/** As a contender, and with all that a load can tell. */
export interface RunningSlackline extends RunningContender {
  /** @throws the signal's reason, once the load has stopped */
  send(arrivals: Trace | StepAsked, more?: Pick<LoadOptions, 'records'>): Promise<Figures>;
}

export interface Slackline extends Contender {
  start(settings: ContenderSettings): Promise<RunningSlackline>;
}

export function slackline(choices: SlacklineChoices = {}): Slackline {
  return {
    name: 'slackline',
    async start(settings) {
      const folder = new TemporaryFolder('bench');
      try {
        const table = withPayload(readTable(choices.deviceProfile ?? defaultDeviceProfile), settings.payloadBytes);
        const options = systemOptions(table, join(folder.path, 'device.json'), choices, settings);
        const system = await startSystem(options);
        const model = { entry: entryOf(table), sloMs };
        const stop = () => system.stop().finally(() => folder.remove());
        return await answering({ system, model, signal: settings.signal, stop });
      } catch (error) {
        folder.remove();
        throw error;
      }
    },
  };
}

export interface Loaded {
  readonly system: RunningSystem;
  readonly model: LoadModel;
  /** Default: none. */
  readonly subjectPrefix?: string;
  readonly signal: AbortSignal;
  stop(): Promise<void>;
}

/** A started system as a contender, once it answers. It is ended when this rejects. */
export async function answering(loaded: Loaded): Promise<RunningSlackline> {
  const running = over(loaded);
  try {
    const startedAtMs = performance.now();
    for (;;) {
      const { attainment } = await running.step(trickle);
      if (attainment > 0) return running;
      if (performance.now() - startedAtMs > answersWithinMs) {
        throw new Error(`the system answered no query in time within ${answersWithinMs / 1_000} s of its start`);
      }
    }
  } catch (error) {
    await running.stop();
    throw error;
  }
}

function over({ system, model, subjectPrefix = '', signal, stop }: Loaded): RunningSlackline {
  const send: RunningSlackline['send'] = (arrivals, more) =>
    untilAborted(signal, (ending) =>
      generateLoad(
        {
          ...{ natsUrl: system.natsUrl, subjectPrefix, models: [model], settleMs, ...more },
          arrivals: 'arrivalsMs' in arrivals ? arrivals : checkSpec(specOf(arrivals)),
        },
        () => {},
        ending,
        undefined,
        ending,
      ),
    );
  return {
    send,
    step: async (asked) => stepOf(asked, await send(asked, { records: asked.isTraced ?? false })),
    pids: () => pidsOf(system),
    stop,
  };
}

/** Each load has a signal of its own: the bench's would collect the listeners of all. */
async function untilAborted<T>(signal: AbortSignal, work: (ending: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const onAbort = () => ending.abort(signal.reason);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    const result = await work(ending.signal);
    signal.throwIfAborted();
    return result;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** By what they do. The load is this process. */
function pidsOf(system: RunningSystem): Record<string, number> {
  const shown = (name: string) =>
    name === nameOf('gpu-worker', 0) ? 'worker' : name.replace('gpu-worker', 'worker').replace(/-0$/, '');
  const services = system.processes().map(({ name, pid }) => [shown(name), pid] as const);
  const nats = system.natsServer === undefined ? [] : [['nats', system.natsServer.pid] as const];
  return Object.fromEntries([...services, ...nats, ['load', process.pid] as const]);
}
