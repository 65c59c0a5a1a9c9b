/** The folder that `npm run nats:keys` makes, its life (tenants come, keys are replaced), and other ways to be let in. */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNatsServer } from '@slackline/local';
import { makeHardened } from '@slackline/local/hardened';
import { type BusStatus, connectBus, type Denial, readAccess } from '@slackline/shared';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

let folder = '';
const ends: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slackline-keys-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, { recursive: true });
});

async function connected(url: string, env: Record<string, string>, denials: Denial[] = []) {
  const access = readAccess(env);
  const bus = await connectBus({
    url,
    name: 'test',
    access,
    needsJetStream: false,
    onDenied: (denial) => denials.push(denial),
  });
  ends.push(() => bus.close());
  return bus;
}

const mode = (...path: string[]) => statSync(join(folder, ...path)).mode & 0o777;

it('keeps secrets to their owner, and keeps them when it is made again', async () => {
  const made = await makeHardened(folder, { tenants: ['acme'] });
  const seeds = ['ingest', 'scheduler', 'gpu-worker', 'profiler', 'operator', 'admin', 'tenant-acme'];
  for (const name of seeds) expect(mode('seeds', `${name}.nk`)).toBe(0o600);
  expect([mode('seeds'), mode('tls', 'server.key')]).toEqual([0o700, 0o600]);
  const texts = () =>
    ['seeds/ingest.nk', 'tls/server.key', 'accounts.conf'].map((name) => readFileSync(join(folder, name), 'utf8'));
  const before = texts();
  for (const name of ['accounts.conf', 'tls.conf', 'hardened.conf']) {
    expect(readFileSync(join(folder, name), 'utf8')).not.toMatch(/\bS[UA][A-Z2-7]{56}\b|PRIVATE KEY/);
  }
  expect(await makeHardened(folder, { tenants: ['acme'] })).toMatchObject({ configFile: made.configFile });
  expect(texts()).toEqual(before);
  for (const name of ['', 'a.b', 'a b', '../a', 'admin', '>', 'a"b']) {
    await expect(makeHardened(folder, { tenants: [name] })).rejects.toMatchObject({ code: 'invalid_config' });
  }
});

it('lets tenants come and keys be replaced while the server runs', async () => {
  const seed = (name: string) => join(folder, 'seeds', name);
  const made = await makeHardened(folder, { tenants: ['acme'] });
  const server = await startNatsServer({ configFile: made.configFile });
  ends.push(() => server.close());
  const denials: Denial[] = [];
  const statuses: BusStatus[] = [];
  const old = await connected(server.url, made.envOf('profiler'), denials);
  old.onStatus((status) => statuses.push(status));

  // The old key stays valid under another name, beside a new one.
  renameSync(seed('profiler.nk'), seed('profiler.old.nk'));
  const again = await makeHardened(folder, { tenants: ['acme', 'borg'] });
  server.signal('SIGHUP');
  await vi.waitFor(() => connected(server.url, again.envOfTenant('borg')), { timeout: 10_000 });
  await connected(server.url, again.envOf('profiler'));
  await connected(server.url, { ...again.envOf('profiler'), NATS_NKEY: seed('profiler.old.nk') });

  // Whoever still has the old one is shut out, is told why, and tries no more; the file is read anew for each attempt.
  const stale = readFileSync(seed('profiler.old.nk'), 'utf8');
  rmSync(seed('profiler.old.nk'));
  writeFileSync(seed('profiler.nk'), stale, { mode: 0o600 });
  const kept = await connected(server.url, made.envOf('profiler'), denials);
  kept.onStatus((status) => statuses.push(status));
  rmSync(seed('profiler.nk'));
  await makeHardened(folder, { tenants: ['acme', 'borg'] });
  writeFileSync(seed('profiler.nk'), stale, { mode: 0o600 });
  server.signal('SIGHUP');
  await vi.waitFor(() => expect(statuses.filter((status) => status === 'closed')).toHaveLength(2), { timeout: 20_000 });
  expect(denials.map(({ error }) => error.code)).toEqual(['nats_unauthorized', 'nats_unauthorized']);
});

it('lets in by password, by token and by URL, and asks for trust both ways', async () => {
  const { caFile } = await makeHardened(join(folder, 'tls'), { tenants: [] });
  const tls = readFileSync(join(folder, 'tls/tls.conf'), 'utf8');
  const write = (name: string, text: string) => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const base =
    'host: $NATS_HOST, port: $NATS_PORT, max_payload: $NATS_MAX_PAYLOAD, jetstream { store_dir: $NATS_STORE_DIR }\n';
  const serve = async (text: string) => {
    const server = await startNatsServer({ configFile: write(`${ends.length}.conf`, base + text) });
    ends.push(() => server.close());
    return server.url;
  };
  const password = 'p@ss/w:rd';
  const byPassword = await serve(`authorization { user: me, password: "${password}" }`);
  await connected(byPassword, { NATS_USER: 'me', NATS_PASSWORD_FILE: write('password', `${password}\n`) });
  await connected(byPassword.replace('//', `//me:${encodeURIComponent(password)}@`), {});
  const wrong = connected(byPassword, { NATS_USER: 'me', NATS_PASSWORD_FILE: write('wrong', 'guess') });
  await expect(wrong).rejects.toMatchObject({
    code: 'nats_unauthorized',
    message: expect.not.stringContaining('guess'),
  });

  const byToken = await serve('authorization { token: "t0ken" }');
  await connected(byToken, { NATS_TOKEN_FILE: write('token', 't0ken') });
  // Who wants TLS gets no connection without it.
  await expect(connected(byToken, { NATS_TOKEN_FILE: write('token', 't0ken'), NATS_CA: caFile })).rejects.toMatchObject(
    {
      code: 'nats_untrusted',
    },
  );
  // A server that asks for a certificate of ours.
  const mutual = await serve(`tls { ${tls}\n ca_file: "${caFile}"\n verify: true }`);
  // The client is told nothing but that its connection ends.
  const bare = connectBus({ url: mutual, name: 'test', access: readAccess({ NATS_CA: caFile }), timeoutMs: 1 });
  await expect(bare).rejects.toMatchObject({ code: 'nats_unreachable', message: expect.stringContaining('TIMEOUT') });
});
