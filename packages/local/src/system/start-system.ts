/**
 * A whole system on one machine: nats-server, profiler, ingest, scheduler, workers, started in this order, each ready
 * before the next.
 *
 * They end in the opposite sense of the queries' way: workers first (what they hold goes back to the scheduler, or is
 * answered), then ingest, so that nothing new is accepted, then the scheduler, which leaves what it holds in
 * JetStream, and the nats-server last.
 */
import { join } from 'node:path';
import { findNatsServer } from '../nats-server/find.js';
import { type NatsServer, startNatsServer } from '../nats-server/nats-server.js';
import { serviceEntry } from '../paths.js';
import type { Exit } from '../processes/owned-process.js';
import type { ServiceProcess, ServiceSpec } from '../processes/service-process.js';
import { Supervisor } from '../processes/supervisor.js';
import { writableFolder } from './folder.js';
import type { ServiceKind, StepName, SystemOptions } from './options.js';
import { serviceEnv, workerCount, workerName } from './service-env.js';

export interface RunningSystem {
  /** Where clients connect. */
  readonly natsUrl: string;
  /** The nats-server, if it was started here and does not belong to someone else (NATS_URL). */
  readonly natsServer: NatsServer | undefined;
  /** The workers, running or dead, by index. */
  readonly workers: readonly ServiceProcess[];
  /** Any process but the nats-server: `profiler`, `ingest`, `scheduler`, `gpu-worker-0` … */
  service(name: string): ServiceProcess;
  /** Ends a worker with SIGKILL, as a crash would. @param index from 0 */
  killWorker(index: number): Promise<Exit>;
  /** Ends everything in order and removes what was temporary. May be called more than once. */
  stop(): Promise<void>;
}

/**
 * Starts a system; resolves when all of it is ready. If a part fails, what was started is ended before this rejects.
 * @throws SlacklineError `nats_server_missing`, `service_failed`
 * @throws the error of the file system when nothing can be written into `logDir`
 */
export async function startSystem(options: SystemOptions = {}): Promise<RunningSystem> {
  const { onEvent, stopGraceMs, logDir, signal } = options;
  if (logDir !== undefined) await writableFolder(logDir);
  const supervisor = new Supervisor({ ...(onEvent && { onEvent }), ...(stopGraceMs !== undefined && { stopGraceMs }) });
  let natsServer: NatsServer | undefined;
  const stopServices = () => supervisor.stop([isWorker, (name) => name === 'ingest', (name) => name === 'scheduler']);
  const stopOnce = once(async () => {
    await stopServices();
    await natsServer?.close();
  });
  // Whoever is being started ends, which ends the start.
  const onAbort = () => void stopServices();
  signal?.addEventListener('abort', onAbort);
  try {
    const nats = await step('nats-server', options, () => provideNats(options));
    natsServer = nats.server;
    const start = (kind: ServiceKind) => step(kind, options, () => startService(kind, supervisor, nats.url, options));
    await start('profiler');
    await start('ingest');
    await start('scheduler');
    await start('gpu-worker');
    return {
      natsUrl: nats.url,
      natsServer,
      get workers() {
        return supervisor.all().filter((service) => isWorker(service.name));
      },
      service: (name) => supervisor.get(name),
      killWorker: (index) => supervisor.kill(workerName(index)),
      stop: stopOnce,
    };
  } catch (error) {
    await stopOnce();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/** The server of NATS_URL, or one of our own. */
async function provideNats(options: SystemOptions): Promise<{ url: string; server: NatsServer | undefined }> {
  const found = await findNatsServer({
    onProgress: (message) => options.onStep?.({ step: 'nats-server', state: 'progress', message }),
  });
  if (found.kind === 'running') return { url: found.url, server: undefined };
  const server = await startNatsServer({
    binary: found.path,
    ...(options.storeDir !== undefined && { storeDir: options.storeDir }),
    ...(options.maxPayloadBytes !== undefined && { maxPayloadBytes: options.maxPayloadBytes }),
    ...logFile('nats-server', options),
  });
  return { url: server.url, server };
}

/** Starts one service, or all workers at once. */
async function startService(kind: ServiceKind, supervisor: Supervisor, natsUrl: string, options: SystemOptions) {
  const { readyLimitMs, workerNiceness = 10, restore = false } = options;
  const spec = (name: string): ServiceSpec => ({
    name,
    entry: options.entries?.[kind] ?? serviceEntry(kind),
    env: serviceEnv(kind, name, natsUrl, options),
    ...(readyLimitMs !== undefined && { readyLimitMs }),
    ...logFile(name, options),
  });
  if (kind !== 'gpu-worker') {
    // Queries do without a profiler, so its end shows nowhere; but submissions wait for it, and it goes on where it was.
    await supervisor.spawnService(spec(kind), { restore: kind === 'profiler' });
    return;
  }
  const names = Array.from({ length: workerCount(options) }, (_, index) => workerName(index));
  const start = (name: string) => supervisor.spawnService({ ...spec(name), niceness: workerNiceness }, { restore });
  await Promise.all(names.map(start));
}

async function step<T>(name: StepName, { onStep, signal }: SystemOptions, work: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  onStep?.({ step: name, state: 'started' });
  const result = await work();
  onStep?.({ step: name, state: 'done' });
  return result;
}

function isWorker(name: string): boolean {
  return name.startsWith('gpu-worker-');
}

function logFile(name: string, { logDir }: SystemOptions): { logFile?: string } {
  return logDir === undefined ? {} : { logFile: join(logDir, `${name}.log`) };
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}
