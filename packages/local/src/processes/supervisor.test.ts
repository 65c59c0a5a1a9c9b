import { readFileSync, rmSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { inCheckout } from '../paths.js';
import type { ServiceSpec } from './service-process.js';
import { type ProcessEvent, Supervisor } from './supervisor.js';

const supervisors: Supervisor[] = [];
afterEach(async () => {
  await Promise.all(supervisors.splice(0).map((supervisor) => supervisor.stop()));
});

describe('starting', () => {
  it('waits until the service is ready, and gives it its environment, arguments and priority', async () => {
    const { supervisor } = supervise();
    const spec = { ...fixture('steady'), env: { MARK: 'here' }, args: ['--one', 'two'], niceness: 7 };
    const service = await supervisor.spawnService(spec);
    expect(await service.ready).toMatchObject({ mark: 'here', args: ['--one', 'two'] });
    expect(getPriority(service.pid)).toBe(7);
    expect(service.isReady).toBe(true);
  });

  it('fails with what the service said last if it ends before it is ready', async () => {
    const { supervisor } = supervise();
    const failure: unknown = await supervisor.spawnService(fixture('crash-early')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'service_failed' });
    expect(String(failure)).toContain('Error: cannot read the model');
    expect(String(failure)).toContain('crash-early exited with code 1 before it was ready');
  });

  it('fails, and ends the service, if it is never ready', async () => {
    const { supervisor } = supervise();
    const spec = { ...fixture('never-ready'), readyLimitMs: 500 };
    await expect(supervisor.spawnService(spec)).rejects.toThrow('never-ready was not ready within 500 ms');
    expect(isAlive(supervisor.get('never-ready').pid)).toBe(false);
  });

  it('refuses a second service of the same name', async () => {
    const { supervisor } = supervise();
    await supervisor.spawnService(fixture('steady'));
    await expect(supervisor.spawnService(fixture('steady'))).rejects.toThrow('runs already');
  });

  it('appends what the service writes to its log file', async () => {
    const logFile = join(tmpdir(), `slackline-log-${process.pid}.log`);
    onTestFinished(() => rmSync(logFile, { force: true }));
    const { supervisor } = supervise();
    await supervisor.spawnService({ ...fixture('steady'), logFile, env: { MARK: 'logged' } });
    await supervisor.stopService('steady');
    expect(readFileSync(logFile, 'utf8')).toMatch(/MARK=logged\nSIGTERM\n/);
  });
});

describe('a service that ends by itself', () => {
  it('is told of, with its last lines, and stays dead', async () => {
    const { supervisor, events, until } = supervise();
    await supervisor.spawnService(fixture('crash'));
    const exited = await until((event) => event.kind === 'exited');
    expect(exited).toMatchObject({ name: 'crash', expected: false, exit: { code: 1, signal: null } });
    expect(exited.kind === 'exited' && exited.lastLines.join('\n')).toContain('the crash of the fixture');
    await supervisor.stop();
    expect(events.filter((event) => event.kind === 'spawned')).toHaveLength(1);
  });

  it('is started again where that was asked for, as a new process of the same name', async () => {
    const { supervisor, until } = supervise();
    const first = await supervisor.spawnService(fixture('steady'), { restore: true });
    await supervisor.kill('steady');
    const again = await until((event) => event.kind === 'ready' && event.pid !== first.pid);
    expect(supervisor.get('steady').pid).toBe(again.pid);
    expect(first.exit).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('is not started again when it was asked to end', async () => {
    const { supervisor, events } = supervise();
    await supervisor.spawnService(fixture('steady'), { restore: true });
    await supervisor.stopService('steady');
    await supervisor.stop();
    expect(events.map((event) => event.kind)).toEqual(['spawned', 'ready', 'exited']);
    expect(events.at(-1)).toMatchObject({ expected: true });
  });
});

describe('starting again by hand', () => {
  it('is instead of the restoring, and is restored itself', async () => {
    const { supervisor, events, until } = supervise();
    await supervisor.spawnService(fixture('steady'), { restore: true });
    await supervisor.kill('steady');
    // Both want it started again; one process comes of it.
    const [again, same] = await Promise.all([supervisor.startService('steady'), supervisor.startService('steady')]);
    expect(same).toBe(again);
    expect(events.filter((event) => event.kind === 'spawned' && event.pid !== again.pid)).toHaveLength(1);
    await supervisor.kill('steady');
    const restored = await until((event) => event.kind === 'ready' && events.indexOf(event) > 4);
    expect(supervisor.get('steady').pid).toBe(restored.pid);
  });

  it('waits for an end that is under way', async () => {
    const { supervisor } = supervise();
    const first = await supervisor.spawnService(fixture('steady'));
    const stopped = supervisor.stopService('steady');
    const again = await supervisor.startService('steady');
    expect(first.exit).toEqual({ code: 0, signal: null });
    expect(again.isReady).toBe(true);
    await stopped;
  });

  it('fails where the service does', async () => {
    const { supervisor } = supervise();
    await supervisor.spawnService(fixture('crash-early')).catch(() => undefined);
    await expect(supervisor.startService('crash-early')).rejects.toMatchObject({ code: 'service_failed' });
  });
});

describe('stopping', () => {
  it('ends the groups one after the other', async () => {
    const { supervisor, events } = supervise();
    for (const name of ['scheduler', 'ingest', 'worker-0', 'worker-1']) {
      await supervisor.spawnService({ ...fixture('steady'), name });
    }
    await supervisor.stop([(name) => name.startsWith('worker'), (name) => name === 'ingest']);
    const ended = events.filter((event) => event.kind === 'exited').map((event) => event.name);
    expect(new Set(ended.slice(0, 2))).toEqual(new Set(['worker-0', 'worker-1']));
    expect(ended.slice(2)).toEqual(['ingest', 'scheduler']);
    await expect(supervisor.spawnService(fixture('steady'))).rejects.toThrow('stopped');
  });

  it('kills a service that ignores SIGTERM, once its grace is over', async () => {
    const { supervisor } = supervise({ stopGraceMs: 2_000 });
    const service = await supervisor.spawnService(fixture('deaf'));
    await supervisor.stop();
    expect(service.exit).toEqual({ code: null, signal: 'SIGKILL' });
    expect(service.lastLines()).toContain('heard SIGTERM, ignored it');
  });

  it('ends a service that is still starting, and a restart that is under way', async () => {
    const { supervisor, until } = supervise();
    const starting = supervisor.spawnService(fixture('never-ready')).catch((error: unknown) => error);
    await until((event) => event.kind === 'spawned');
    await supervisor.spawnService(fixture('crash'), { restore: true });
    await until((event) => event.kind === 'exited');
    await supervisor.stop();
    expect(await starting).toMatchObject({ code: 'service_failed' });
    for (const service of supervisor.all()) expect(isAlive(service.pid)).toBe(false);
  });
});

function fixture(name: string): ServiceSpec {
  return { name, entry: inCheckout(`packages/local/fixtures/${name}.js`) };
}

function supervise(options: { stopGraceMs?: number } = {}) {
  const events: ProcessEvent[] = [];
  const waiting = new Set<() => void>();
  const supervisor = new Supervisor({
    ...options,
    onEvent: (event) => {
      events.push(event);
      for (const look of waiting) look();
    },
  });
  supervisors.push(supervisor);
  /** The first event, past or to come, that matches. */
  const until = (matches: (event: ProcessEvent) => boolean) =>
    new Promise<ProcessEvent>((resolve) => {
      const look = () => {
        const found = events.find(matches);
        if (found !== undefined) resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { supervisor, events, until };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
