/**
 * A whole system on one machine: nats-server, profiler, ingests, schedulers, workers, started in this order, each kind
 * ready before the next.
 *
 * They end in the opposite sense of the queries' way: workers first (what they hold goes back to the scheduler, or is
 * answered), then the ingests, so that nothing new is accepted, then the schedulers, which leave what they hold in
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
import { kindOf, nameOf, namesOf } from './names.js';
import type { ServiceKind, StepName, SystemOptions } from './options.js';
import { serviceEnv } from './service-env.js';

export interface RunningSystem {
  /** Where clients connect. */
  readonly natsUrl: string;
  /** The nats-server, if it was started here and does not belong to someone else (NATS_URL). */
  readonly natsServer: NatsServer | undefined;
  /** The workers, running or dead, by index. */
  readonly workers: readonly ServiceProcess[];
  /** All processes but the nats-server, running or dead, in the order of their kinds. */
  processes(): readonly ServiceProcess[];
  /** Any process but the nats-server: `profiler`, `ingest-0`, `scheduler-1`, `gpu-worker-0` … Throws for other names. */
  service(name: string): ServiceProcess;
  /** SIGKILL, as a crash would be: an unexpected end, which `restore` undoes. Resolves when it is gone. */
  kill(name: string): Promise<Exit>;
  /** Ends a process in order (SIGTERM, and SIGKILL when it takes too long); it stays ended. */
  end(name: string): Promise<Exit>;
  /** Starts a process again that has ended; resolves when it is ready. @throws SlacklineError `service_failed` */
  start(name: string): Promise<ServiceProcess>;
  /** `end`, then `start`. @throws SlacklineError `service_failed` */
  restart(name: string): Promise<ServiceProcess>;
  /** SIGSTOP, SIGCONT …; nothing happens once it has ended. */
  signal(name: string, signal: NodeJS.Signals): void;
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
  const stopServices = () => supervisor.stop([isA('gpu-worker'), isA('ingest'), isA('scheduler')]);
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
    const start = (kind: ServiceKind) => step(kind, options, () => startKind(kind, supervisor, nats.url, options));
    await start('profiler');
    await start('ingest');
    await start('scheduler');
    await start('gpu-worker');
    return {
      natsUrl: nats.url,
      natsServer,
      get workers() {
        return supervisor.all().filter(({ name }) => isA('gpu-worker')(name));
      },
      processes: () => supervisor.all(),
      service: (name) => supervisor.get(name),
      kill: (name) => supervisor.kill(name),
      end: (name) => supervisor.stopService(name),
      start: (name) => supervisor.startService(name),
      restart: (name) => supervisor.restartService(name),
      signal: (name, sent) => supervisor.get(name).signal(sent),
      killWorker: (index) => supervisor.kill(nameOf('gpu-worker', index)),
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

/** Starts all processes of a kind at once. */
async function startKind(kind: ServiceKind, supervisor: Supervisor, natsUrl: string, options: SystemOptions) {
  const { readyLimitMs, workerNiceness = 3, natsUrlOf = () => natsUrl } = options;
  const startOne = async (name: string): Promise<void> => {
    const spec: ServiceSpec = {
      name,
      entry: options.entries?.[kind] ?? serviceEntry(kind),
      env: serviceEnv(kind, name, await natsUrlOf(name, natsUrl), options),
      nodeOptions: [...(options.nodeOptions?.all ?? []), ...(options.nodeOptions?.[kind] ?? [])],
      ...(kind === 'gpu-worker' && { niceness: workerNiceness }),
      ...(readyLimitMs !== undefined && { readyLimitMs }),
      ...logFile(name, options),
    };
    await supervisor.spawnService(spec, { restore: isRestored(kind, options) });
  };
  await Promise.all(namesOf(kind, options).map(startOne));
}

function isRestored(kind: ServiceKind, { restore = false }: SystemOptions): boolean {
  // Queries do without a profiler, so its end shows nowhere; but submissions wait for it, and it goes on where it was.
  return kind === 'profiler' || (typeof restore === 'boolean' ? restore : restore.includes(kind));
}

async function step<T>(name: StepName, { onStep, signal }: SystemOptions, work: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  onStep?.({ step: name, state: 'started' });
  const result = await work();
  onStep?.({ step: name, state: 'done' });
  return result;
}

function isA(kind: ServiceKind): (name: string) => boolean {
  return (name) => kindOf(name) === kind;
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
