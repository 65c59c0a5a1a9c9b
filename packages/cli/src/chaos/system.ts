/** What chaos is done to: a system that is started for it, or one that runs. */
import { ownTarget, ProcessProxies, type Role, runningTarget, type Target } from '@slackline/chaos';
import { type Bus, commonConfig, readConfig, type Subjects } from '@slackline/shared';
import { withConnection } from '../connection.js';
import { CommandError, OptionError, wronglyCalled } from '../errors.js';
import { readCatalog } from '../models/catalog.js';
import { type ServedModel, type ServingListener, startServing } from '../serving.js';
import type { ChaosChoices } from './options.js';
import { type ChaosSetup, populationOf } from './setup.js';

export interface ChaosSystem {
  readonly target: Target;
  readonly natsUrl: string;
  readonly bus: Bus;
  readonly subjects: Subjects;
  readonly storage: 'memory' | 'file';
  /** All that is served, at least one. */
  readonly models: readonly ServedModel[];
  readonly executor: string;
  readonly population: Readonly<Record<Role, number>>;
  /** Whether it was started here. */
  readonly isOwn: boolean;
}

/**
 * Starts a system, lets `use` have it, and ends it whatever comes.
 * @param deviceProfile of emulated workers
 * Throws what `startServing` throws, and `OptionError` for a fault that it cannot be given.
 */
export async function withOwnSystem<T>(
  choices: ChaosChoices,
  setup: ChaosSetup,
  deviceProfile: readonly string[] | undefined,
  listener: ServingListener,
  signal: AbortSignal,
  use: (system: ChaosSystem) => Promise<T>,
): Promise<T> {
  const proxies = setup.series.some(({ kind }) => kind === 'cut') ? new ProcessProxies() : undefined;
  const { workers, schedulers, ingests, storage } = setup;
  const serving = await startServing(
    {
      ...choices,
      ...{ workers, schedulers, ingests, storage, restore: false },
      ...(deviceProfile && { deviceProfile: [...deviceProfile] }),
    },
    listener,
    signal,
    proxies && { natsUrlOf: proxies.natsUrlOf },
  );
  try {
    const { system, bus, subjects, models, executor } = serving;
    if (system.natsServer === undefined && setup.series.some(({ role, kind }) => role === 'nats' && kind !== 'cut')) {
      throw new OptionError(
        'NATS_URL names a nats-server that is not ours: leave it out, so that one is started that may be hit',
      );
    }
    const target = ownTarget(system, { bus, subjects, ...(proxies && { proxies }) });
    const population = populationOf(setup);
    const { natsUrl } = system;
    return await use({ target, natsUrl, bus, subjects, storage, models, executor, population, isOwn: true });
  } finally {
    await serving.stop();
    await proxies?.close();
  }
}

/** Lets `use` have a system that runs. Throws what `withConnection` throws, and `CommandError` for whom it does not have. */
export async function withRunningSystem<T>(
  nats: string,
  setup: ChaosSetup,
  signal: AbortSignal,
  use: (system: ChaosSystem) => Promise<T>,
): Promise<T> {
  return withConnection(
    nats,
    async (connection) => {
      const { bus, subjects } = connection;
      const { models } = await readCatalog(connection);
      const served = models.flatMap(({ entry, profiles: [profile] }) =>
        profile === undefined ? [] : [{ entry, profile, modelDir: undefined }],
      );
      const [first] = served;
      if (first === undefined) throw new CommandError('That system serves no model yet.', { code: 'unknown_model' });
      const target = runningTarget({ bus, subjects, natsUrl: nats });
      const [worker, scheduler, ingest] = await Promise.all(
        (['worker', 'scheduler', 'ingest'] as const).map(async (role) => (await target.victims(role)).length),
      );
      const population = { worker: worker ?? 0, scheduler: scheduler ?? 0, ingest: ingest ?? 0, nats: 0 };
      for (const { role } of setup.series) {
        if (population[role] > 0) continue;
        throw new CommandError(`No ${role} of that system runs on this host, where it could be hit.`, {
          code: 'chaos_unsupported',
          exitCode: wronglyCalled,
        });
      }
      const { STORAGE: storage } = readConfig(commonConfig, process.env);
      const { executor } = first.profile;
      const rest = { storage, models: served, executor, population, isOwn: false };
      return use({ target, natsUrl: nats, bus, subjects, ...rest });
    },
    signal,
  );
}
