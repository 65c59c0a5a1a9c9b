/** A process of workers: one connection and one catalog, shared by one worker or more. */
import {
  type Bus,
  type Clock,
  connectBus,
  denialsTo,
  type KeyBucket,
  type Log,
  processMetadata,
  type RunningService,
  readLeaseToken,
  SlacklineError,
  Subjects,
  systemClock,
} from '@slackline/shared';
import { Catalog } from './catalog.js';
import { deviceClassOf, type WorkerConfig, workerIds } from './config.js';
import { type Choice, chooseExecutor } from './executors/choose.js';
import { createExecutors, type Executors } from './executors/create.js';
import { Worker } from './worker.js';

export interface StartDeps {
  log: Log;
  /** Default: a connection of its own, closed with the service. A given one stays open. */
  bus?: Bus;
  clock?: Clock;
  executors?: Executors;
  /** Default: what `config` asks for and this machine has. */
  choice?: Choice;
}

export interface RunningWorkers extends RunningService {
  readonly workers: readonly Worker[];
  failed: Promise<Error>;
}

/**
 * Starts the workers that `config` names; resolves when all of them are available. Throws what the bus throws, and
 * `invalid_config` where the executor does not work here.
 */
export async function startWorker(config: WorkerConfig, deps: StartDeps): Promise<RunningWorkers> {
  const { log, clock = systemClock } = deps;
  const choice =
    deps.choice ?? (await chooseExecutor({ executor: config.EXECUTOR, workers: config.WORKERS_PER_PROCESS }));
  const { executor: executorName, device, why } = choice;
  const deviceClass = deviceClassOf(config, choice);
  log.info({ executor: executorName, device, deviceClass, why }, 'executor chosen');
  const bus =
    deps.bus ?? (await connectBus({ url: config.NATS_URL, name: config.WORKER_ID, onDenied: denialsTo(log) }));
  const subjects = new Subjects(config.SUBJECT_PREFIX);
  const executors = deps.executors ?? createExecutors(executorName, config);
  const catalog = await Catalog.open(bus, subjects.stores, { config, deviceClass, log });
  const leaderToken = leaseReader(bus, subjects.stores.leader, config);
  const running = workerIds(config).map((id) => {
    const executor = executors.create();
    const parts = { id, deviceClass, config, bus, subjects, catalog, executor, clock, log, leaderToken };
    return { executor, worker: new Worker(parts) };
  });
  const workers = running.map(({ worker }) => worker);

  const closed = new Promise<Error>((resolve) => {
    bus.onStatus((status) => {
      if (status === 'reconnected') for (const worker of workers) worker.reconnected();
      if (status === 'closed') resolve(new SlacklineError('bus_failed', 'The connection to NATS was closed'));
    });
  });
  const died = running.map(async ({ executor }) => {
    const cause = await executor.failed;
    return new SlacklineError('service_failed', `The executor died (${cause.message})`, { cause });
  });

  await Promise.all(workers.map((worker) => worker.start()));
  await bus.announce({
    name: 'slackline-worker',
    version: '0.1.0',
    description: 'Hosts supernets, actuates subnets, infers',
    metadata: {
      ...processMetadata(config.WORKER_ID, config.SUBJECT_PREFIX),
      executor: executorName,
      why,
      deviceClass,
      workers: String(workers.length),
    },
  });
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await catalog.close();
    await executors.close();
    await bus.flush();
    if (deps.bus === undefined) await bus.close();
  };
  return {
    workers,
    ready: { workerIds: workers.map(({ id }) => id), deviceClass, executor: executorName, device, why },
    failed: Promise.race([closed, ...died]),
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** Reads the schedulers' lease. The bucket is opened when it is first asked for: seldom, if ever. */
function leaseReader(
  bus: Bus,
  bucket: string,
  { STORAGE: storage, REPLICAS: replicas }: Pick<WorkerConfig, 'STORAGE' | 'REPLICAS'>,
): () => Promise<number | undefined> {
  let opened: Promise<KeyBucket> | undefined;
  return async () => {
    opened ??= bus.keys(bucket, { storage, replicas });
    try {
      return await readLeaseToken(await opened);
    } catch (error) {
      opened = undefined;
      throw error;
    }
  };
}
