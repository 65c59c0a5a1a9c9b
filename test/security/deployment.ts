/**
 * A hardened nats-server, made as `npm run nats:keys` makes one, and the real services under it, each a process with the
 * key of its kind. Nothing is told them but configuration.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type SlacklineClient } from '@slackline/client';
import {
  inCheckout,
  type NatsServer,
  type RunningSystem,
  startNatsServer,
  startSystem,
  TemporaryFolder,
} from '@slackline/local';
import { type Hardened, makeHardened, type Role } from '@slackline/local/hardened';
import { type Bus, connectBus, type Denial, readAccess } from '@slackline/shared';
import { vi } from 'vitest';

export const tenants = ['acme', 'borg'] as const;
export type Tenant = (typeof tenants)[number];

/** A secret that no service has any use for: it must not turn up in any log. */
export const strayPassword = 'correct-horse-battery';

export interface Deployment {
  url: string;
  hardened: Hardened;
  server: NatsServer;
  system: RunningSystem;
  folder: string;
  /** Connects with the key of a role; what is denied it goes into `denials`. */
  as(role: Role, denials?: Denial[]): Promise<Bus>;
  /** Connects as a producer of a tenant, below the client. */
  asTenant(tenant: Tenant, denials?: Denial[]): Promise<Bus>;
  client(tenant: Tenant): Promise<SlacklineClient>;
  /** All that the processes have logged so far. */
  logs(): string;
  stop(): Promise<void>;
}

/** Profiles quickly: what is tested is who may do what, not how fast. */
const quick = { CELL_BUDGET_MS: '2', BATCHES: '1,2', WORKERS_WAIT_MS: '0' };

export async function deploy(workers = 2): Promise<Deployment> {
  const temporary = new TemporaryFolder('security');
  const folder = temporary.path;
  const hardened = await makeHardened(join(folder, 'nats'), { tenants });
  const server = await startNatsServer({ configFile: hardened.configFile });
  const { url } = server;
  const logDir = join(folder, 'logs');
  const open: { close(): Promise<void> }[] = [];
  const opened = <T extends { close(): Promise<void> }>(what: T): T => {
    open.push(what);
    return what;
  };
  const bus = async (env: Record<string, string>, needsJetStream: boolean, denials: Denial[] = []) =>
    opened(
      await connectBus({
        url,
        name: 'test',
        access: readAccess(env),
        needsJetStream,
        onDenied: (denial) => denials.push(denial),
      }),
    );
  const withTenants = { TENANTS: tenants.join(',') };
  // What startSystem finds in NATS_URL it takes for a server that runs already.
  vi.stubEnv('NATS_URL', url);
  try {
    const system = await startSystem({
      workers,
      schedulers: 2,
      // Beside other tests a lower priority may mean none, and what is slow to start is no finding here.
      workerNiceness: 0,
      readyLimitMs: 180_000,
      logLevel: 'trace',
      logDir,
      env: {
        // It stands in every process's environment, as an operator's shell may have it.
        all: { MODELS_DIRS: inCheckout('models/fashion'), PROFILE_DIR: join(folder, 'profiles'), STRAY: strayPassword },
        // Every body is fetched from the stream by its worker, as large ones are.
        ingest: { ...hardened.envOf('ingest'), ...withTenants, CLAIM_ABOVE_BYTES: '0' },
        scheduler: { ...hardened.envOf('scheduler'), ...withTenants },
        profiler: { ...hardened.envOf('profiler'), ...quick },
        'gpu-worker': hardened.envOf('gpu-worker'),
      },
    });
    return {
      ...{ url, hardened, server, system, folder },
      as: (role, denials) => bus(hardened.envOf(role), true, denials),
      asTenant: (tenant, denials) => bus(hardened.envOfTenant(tenant), false, denials),
      client: async (tenant) =>
        opened(await connect({ url, tenant, access: readAccess(hardened.envOfTenant(tenant)) })),
      logs: () =>
        readdirSync(logDir)
          .map((name) => readFileSync(join(logDir, name), 'utf8'))
          .join('\n'),
      async stop() {
        await Promise.all(open.map((each) => each.close()));
        await system.stop();
        await server.close();
        temporary.remove();
      },
    };
  } catch (error) {
    const logs = existsSync(logDir) ? readdirSync(logDir) : [];
    const said = logs.map((name) => readFileSync(join(logDir, name), 'utf8'));
    console.error(said.join('\n').slice(-4_000), server.lastLines().slice(-30).join('\n'));
    await server.close();
    temporary.remove();
    throw error;
  } finally {
    vi.unstubAllEnvs();
  }
}
