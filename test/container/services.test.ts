/**
 * The services' image: each service and the command run in it as nobody in particular, without capabilities, on a file system
 * that takes no writes, and serve queries.
 */
import { readFileSync } from 'node:fs';
import { connect } from '@slackline/client';
import { inCheckout } from '@slackline/local';
import { getContainerRuntimeClient } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { whyNoEngine } from './nats-image.js';
import { importServicesImage, SERVICES_IMAGE } from './services-image.js';

const missing = await whyNoEngine();
const limitMs = 240_000;

if (missing === undefined) describe('the image of the services', testImage);
else it('the image of the services', ({ skip }) => skip(missing));

function testImage(): void {
  const nats = withNatsServer();
  let runtime: Awaited<ReturnType<typeof getContainerRuntimeClient>>['container'];
  const started: Awaited<ReturnType<typeof start>>[] = [];

  beforeAll(async () => {
    runtime = (await getContainerRuntimeClient()).container;
    await importServicesImage();
  }, limitMs);
  afterAll(async () => {
    await Promise.all(started.map((container) => container.remove({ force: true })));
  }, limitMs);

  async function start(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const variables = { NATS_URL: nats.url, STORAGE: 'memory', CELL_BUDGET_MS: '2', BATCHES: '1,2', ...env };
    const container = await runtime.dockerode.createContainer({
      Image: SERVICES_IMAGE,
      Cmd: [...command],
      Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
      HostConfig: {
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        Tmpfs: { '/tmp': 'rw,nosuid,nodev,noexec' },
        Binds: [`${inCheckout('models/fashion')}:/models/fashion:ro`],
        // The broker listens on this machine's loopback only.
        NetworkMode: 'host',
      },
    });
    await container.start();
    return container;
  }

  type Container = Awaited<ReturnType<typeof start>>;
  const logs = async (container: Container) =>
    (await container.logs({ stdout: true, stderr: true, follow: false })).toString('utf8');

  async function service(name: string, env: Readonly<Record<string, string>> = {}): Promise<Container> {
    const container = await start([`services/${name}/dist/main.js`], env);
    started.push(container);
    await vi.waitFor(
      async () => {
        const { State } = await container.inspect();
        expect({ running: State.Running, said: await logs(container) }).toMatchObject({
          running: true,
          said: expect.stringContaining('"msg":"ready"'),
        });
      },
      { timeout: 90_000, interval: 250 },
    );
    return container;
  }

  /** Runs a program of the image to its end. */
  async function ended(command: readonly string[]): Promise<{ code: number; text: string }> {
    const container = await start(command);
    try {
      const { StatusCode: code } = await container.wait();
      return { code, text: await logs(container) };
    } finally {
      await container.remove({ force: true });
    }
  }

  it('runs everything unprivileged, and serves', { timeout: limitMs }, async () => {
    await service('profiler', { MODELS_DIRS: '/models/fashion' });
    await service('ingest');
    await service('scheduler');
    await service('gpu-worker', { WORKER_ID: 'w' });
    for (const container of started) {
      const { State, Config } = await container.inspect();
      const status = readFileSync(`/proc/${State.Pid}/status`, 'utf8');
      const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/);
      expect(Config.User).toBe('65532:65532');
      expect({ uid: field('Uid'), gid: field('Gid') }).toEqual({
        uid: Array(4).fill('65532'),
        gid: Array(4).fill('65532'),
      });
      const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];
      expect(sets.map((set) => Number.parseInt(field(set)?.[0] ?? 'f', 16))).toEqual(sets.map(() => 0));
      expect(field('NoNewPrivs')).toEqual(['1']);
    }
    const client = await connect({ url: nats.url });
    expect((await client.infer('fashion', new Uint8Array(784), { sloMs: 60_000 })).outcome).toBe('ok');
    await client.close();
    const models = await ended(['packages/cli/dist/main.js', 'models', 'list', '--json']);
    expect(models).toMatchObject({ code: 0, text: expect.stringContaining('"fashion"') });
  });

  it('takes no writes and has no shell', { timeout: limitMs }, async () => {
    const write = `try { require('fs').writeFileSync('/app/x', ''); console.log('written') } catch (e) { console.log(e.code) }`;
    expect((await ended(['-e', write])).text).toContain('EROFS');
    const look = [
      "const { readdirSync } = require('fs')",
      // Mounted by the engine.
      "const own = readdirSync('/').filter((name) => !name.startsWith('.') && !['proc', 'sys', 'dev', 'tmp', 'etc', 'models'].includes(name))",
      "const files = own.flatMap((name) => readdirSync('/' + name, { recursive: true }))",
      'console.log(files.length > 1000, files.filter((path) => /(^|\\/)(sh|bash|busybox|npm|apt)$/.test(path)))',
    ].join(';');
    expect((await ended(['-e', look])).text).toContain('true []');
  });
}
