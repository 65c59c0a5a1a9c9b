import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startNatsServer } from '../nats-server/nats-server.js';
import { inCheckout } from '../paths.js';
import type { ProcessEvent } from '../processes/supervisor.js';
import type { SystemOptions, SystemStep } from './options.js';
import { type RunningSystem, startSystem } from './start-system.js';

const fixture = (name: string) => inCheckout(`packages/local/fixtures/${name}.js`);
const steady = fixture('steady');
const entries = { profiler: steady, ingest: steady, scheduler: steady, 'gpu-worker': steady };

const systems: RunningSystem[] = [];
// Whoever runs the tests may have a server of their own.
beforeEach(() => void vi.stubEnv('NATS_URL', ''));
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(systems.splice(0).map((system) => system.stop()));
});

describe('startSystem', () => {
  it('starts the parts in order, each told where NATS is', async () => {
    const steps: SystemStep[] = [];
    const env = { all: { MARK: 'everyone' }, scheduler: { MARK: 'scheduler' } };
    const system = await start({ workers: 2, env, onStep: (step) => steps.push(step) });

    const done = steps.filter((step) => step.state === 'done').map((step) => step.step);
    expect(done).toEqual(['nats-server', 'profiler', 'ingest', 'scheduler', 'gpu-worker']);
    expect(system.workers.map((worker) => worker.name)).toEqual(['gpu-worker-0', 'gpu-worker-1']);
    const said = (name: string) => vi.waitFor(() => expect(system.service(name).lastLines()).not.toEqual([]));
    await Promise.all([said('ingest-0'), said('scheduler-0')]);
    expect(system.service('ingest-0').lastLines()).toEqual([`NATS_URL=${system.natsUrl} MARK=everyone`]);
    expect(system.service('scheduler-0').lastLines()).toEqual([`NATS_URL=${system.natsUrl} MARK=scheduler`]);
  });

  it('tells each group of workers what is its own', async () => {
    const workers = [
      { count: 1, env: { MARK: 'fast' } },
      { count: 2, env: { MARK: 'slow' } },
    ];
    const system = await start({ workers, env: { all: { MARK: 'everyone' } } });
    const said = system.workers.map((worker) => vi.waitFor(() => expect(worker.lastLines()).not.toEqual([])));
    await Promise.all(said);
    const marks = system.workers.map((worker) =>
      worker
        .lastLines()
        .join()
        .replace(/.*MARK=/, ''),
    );
    expect(marks).toEqual(['fast', 'slow', 'slow']);
  });

  it('starts several schedulers and ingests, each by its own way to NATS', async () => {
    const asked: string[] = [];
    const natsUrlOf = async (name: string, natsUrl: string) => {
      asked.push(name);
      return name === 'scheduler-1' ? `${natsUrl}/aside` : natsUrl;
    };
    const system = await start({ schedulers: 2, ingests: 2, workers: 1, natsUrlOf });
    const names = ['profiler', 'ingest-0', 'ingest-1', 'scheduler-0', 'scheduler-1', 'gpu-worker-0'];
    expect(system.processes().map(({ name }) => name)).toEqual(names);
    expect(asked).toEqual(names);
    const said = (name: string) => vi.waitFor(() => expect(system.service(name).lastLines()).not.toEqual([]));
    await Promise.all([said('scheduler-0'), said('scheduler-1')]);
    expect(system.service('scheduler-0').lastLines()).toEqual([`NATS_URL=${system.natsUrl} MARK=undefined`]);
    expect(system.service('scheduler-1').lastLines()).toEqual([`NATS_URL=${system.natsUrl}/aside MARK=undefined`]);
  });

  it('kills, ends and starts any process again, under its name', async () => {
    const system = await start({ workers: 1, env: { all: { MARK: 'as before' } } });
    const first = system.service('scheduler-0');
    expect(await system.kill('scheduler-0')).toEqual({ code: null, signal: 'SIGKILL' });
    const second = await system.start('scheduler-0');
    expect(system.service('scheduler-0')).toBe(second);
    expect(second.isReady).toBe(true);
    expect(second.pid).not.toBe(first.pid);
    expect(await second.ready).toMatchObject({ mark: 'as before' });
    expect((await system.start('scheduler-0')).pid).toBe(second.pid);

    const third = await system.restart('scheduler-0');
    expect(await second.exited).toEqual({ code: 0, signal: null });
    expect(third.isReady).toBe(true);
    await expect(system.kill('scheduler-7')).rejects.toThrow('no service named scheduler-7');
  });

  it('restores the kinds that were asked for', async () => {
    const readies: string[] = [];
    const told = new Set<() => void>();
    const onEvent = ({ kind, name }: ProcessEvent) => {
      if (kind === 'ready') readies.push(name);
      for (const tell of told) tell();
    };
    const system = await start({ workers: 1, restore: ['scheduler'], onEvent });
    await system.kill('gpu-worker-0');
    await system.kill('scheduler-0');
    await new Promise<void>((resolve) => {
      const look = () => readies.filter((name) => name === 'scheduler-0').length === 2 && resolve();
      told.add(look);
      look();
    });
    expect(system.service('scheduler-0').isReady).toBe(true);
    expect(readies.filter((name) => name === 'gpu-worker-0')).toHaveLength(1);
  });

  it('goes on without a worker that was killed', async () => {
    const system = await start({ workers: 2, restore: false });
    expect(await system.killWorker(0)).toEqual({ code: null, signal: 'SIGKILL' });
    const ready = ['profiler', 'ingest-0', 'scheduler-0', 'gpu-worker-1'].map((name) => system.service(name).isReady);
    expect(ready).toEqual([true, true, true, true]);
    expect(system.workers.map((worker) => worker.isReady)).toEqual([false, true]);
  });

  it('starts a profiler again that was killed', async () => {
    let [readies, resolve] = [0, (_pid: number) => {}];
    const again = new Promise<number>((onReady) => {
      resolve = onReady;
    });
    const onEvent = (event: ProcessEvent) => {
      if (event.name === 'profiler' && event.kind === 'ready' && ++readies === 2) resolve(event.pid);
    };
    const system = await start({ workers: 1, onEvent });
    const { pid } = system.service('profiler');
    await system.service('profiler').kill();
    expect(await again).not.toBe(pid);
  });

  it('stops workers, ingest, scheduler, nats-server, and leaves no store', async () => {
    const events: ProcessEvent[] = [];
    const system = await start({ workers: 1, onEvent: (event) => events.push(event) });
    await Promise.all([system.stop(), system.stop()]);
    const ended = events.filter((event) => event.kind === 'exited');
    expect(ended.map((event) => event.name)).toEqual(['gpu-worker-0', 'ingest-0', 'scheduler-0', 'profiler']);
    expect(ended.every((event) => event.expected)).toBe(true);
    expect(await system.natsServer?.exited).toBeDefined();
    expect(existsSync(system.natsServer?.storeDir ?? '')).toBe(false);
  });

  it('uses the server of NATS_URL, and leaves it alone', async () => {
    const theirs = await startNatsServer();
    try {
      vi.stubEnv('NATS_URL', theirs.url);
      const system = await start({ workers: 1 });
      expect(system.natsUrl).toBe(theirs.url);
      expect(system.natsServer).toBeUndefined();
      await system.stop();
      await theirs.restart();
    } finally {
      await theirs.close();
    }
  });

  it('ends what was started when it is told to while it starts', async () => {
    const abort = new AbortController();
    const events: ProcessEvent[] = [];
    const onEvent = (event: ProcessEvent) => {
      events.push(event);
      if (event.kind === 'spawned' && event.name === 'ingest-0') abort.abort(new Error('changed my mind'));
    };
    const slow = { ...entries, ingest: fixture('never-ready') };
    await expect(startSystem({ entries: slow, onEvent, signal: abort.signal })).rejects.toThrow('changed my mind');
    expect(events.filter((event) => event.kind === 'exited')).toHaveLength(2);
  });

  it('ends what was started if a part does not get ready', async () => {
    const events: ProcessEvent[] = [];
    const onEvent = (event: ProcessEvent) => events.push(event);
    const broken = { ...entries, scheduler: fixture('crash-early') };
    await expect(startSystem({ entries: broken, onEvent })).rejects.toThrow('cannot read the model');
    const ended = events.filter((event) => event.kind === 'exited').map((event) => event.name);
    expect(ended).toEqual(['scheduler-0', 'ingest-0', 'profiler']);
  });
});

async function start(options: SystemOptions): Promise<RunningSystem> {
  const system = await startSystem({ entries, ...options });
  systems.push(system);
  return system;
}
