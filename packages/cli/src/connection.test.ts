/** What a command finds under a prefix: against a real broker. */
import { type NatsServer, startNatsServer } from '@slackline/local';
import { type Bus, connectBus, Subjects } from '@slackline/shared';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { withConnection } from './connection.js';

let server: NatsServer;
let bus: Bus;
beforeAll(async () => {
  server = await startNatsServer();
  bus = await connectBus({ url: server.url, name: 'test' });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await bus?.close();
  await server?.close();
});

it('says that nothing is under a mistyped prefix, and creates nothing there', async () => {
  const { profiles, submissions } = new Subjects('mistyped').stores;
  vi.stubEnv('SUBJECT_PREFIX', 'mistyped');
  vi.stubEnv('STORAGE', 'memory');
  const used = withConnection(server.url, async () => 'used');
  await expect(used).rejects.toThrow('no Slackline under the prefix mistyped');
  expect([await bus.hasKeys(profiles), await bus.hasKeys(submissions)]).toEqual([false, false]);
  await bus.keys(profiles, { storage: 'memory', replicas: 1 });
  expect(await withConnection(server.url, async () => 'used')).toBe('used');
});
