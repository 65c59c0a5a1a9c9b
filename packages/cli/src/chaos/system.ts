/** What chaos is done to: a system that is started for it, or one that runs. */
import { ownTarget, ProcessProxies, type Role, runningTarget, type Target } from '@slackline/chaos';
import { type Bus, commonConfig, readConfig, type Subjects } from '@slackline/shared';
import { withConnection } from '../connection.js';
import { CommandError, OptionError } from '../errors.js';
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

/** Lets `use` have a system that runs. Throws what `withConnection` throws, and `OptionError` for what cannot be done to it. */
export async function withRunningSystem<T>(
  nats: string,
  choices: ChaosChoices,
  setup: ChaosSetup,
  signal: AbortSignal,
  use: (system: ChaosSystem) => Promise<T>,
): Promise<T> {
  checkRunning(choices, setup);
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

/** What only the one who started a system can do, or choose. */
function checkRunning(choices: ChaosChoices, { series, restoreMs, rate }: ChaosSetup): void {
  const wrong = series.find(
    ({ kind, role, restoreMs: own }) =>
      role === 'nats' || kind === 'cut' || kind === 'restart' || (kind === 'kill' && (own ?? restoreMs) !== undefined),
  );
  if (wrong !== undefined) {
    const what = `${wrong.kind} ${wrong.role}${wrong.kind === 'kill' && wrong.role !== 'nats' ? ' with --restore' : ''}`;
    throw new CommandError(
      `A system that runs already cannot be given this fault: ${what}. Only processes on this host can be killed and ` +
        'paused; whoever started them starts them again.',
      { code: 'chaos_unsupported' },
    );
  }
  if (rate === undefined && choices.trace === undefined) {
    throw new OptionError('--rate must say how much that system is to be sent: it is needed with --nats');
  }
}
