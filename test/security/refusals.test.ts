/** Under the hardened configuration: what a stolen key, or a curious tenant, does not get. */
import type { Role } from '@slackline/local/hardened';
import {
  acceptedQueries,
  type Bus,
  connectBus,
  type Denial,
  headerNames,
  readAccess,
  Subjects,
} from '@slackline/shared';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Attempts, attempts, producerAttempts } from './attempts.js';
import { type Deployment, deploy } from './deployment.js';

const row = new Uint8Array(784);
const sloMs = 20_000;
const subjects = new Subjects();
let deployment: Deployment;
let admin: Bus;

beforeAll(async () => {
  deployment = await deploy(1);
  admin = await deployment.as('admin');
}, 300_000);
afterAll(() => deployment?.stop());

/** Tries everything, and waits until the broker has denied it all. */
async function expectDenied(bus: Bus, denials: Denial[], { publish, subscribe }: Attempts): Promise<void> {
  for (const subject of publish) bus.publish(subject, new Uint8Array(0));
  for (const subject of subscribe) bus.subscribe(subject, () => {});
  const tried = [
    ...publish.map((subject) => `publish ${subject}`),
    ...subscribe.map((subject) => `subscription ${subject}`),
  ];
  const letThrough = () => {
    const denied = new Set(denials.map(({ operation, subject }) => `${operation} ${subject}`));
    return tried.filter((attempt) => !denied.has(attempt));
  };
  await vi.waitFor(() => expect(letThrough()).toEqual([]), { timeout: 10_000 });
}

describe('keys of the services', () => {
  it.each(Object.keys(attempts) as (keyof typeof attempts)[])('%s gets nothing that is not its own', async (role) => {
    const denials: Denial[] = [];
    const bus = await deployment.as(role, denials);
    await expectDenied(bus, denials, attempts[role]);
    expect(denials.every(({ error }) => error.code === 'not_permitted')).toBe(true);
    // What waits for an answer is told at once.
    await expect(bus.request('tenants.acme._INBOX.x.y', row, { timeoutMs: 20_000 })).rejects.toMatchObject(
      role === 'ingest' || role === 'scheduler' ? { code: 'no_responders' } : { code: 'not_permitted' },
    );
  });

  it('a service cannot make the broker deliver to where it may not publish', async () => {
    const { ever: before } = await acceptedQueries(admin, subjects);
    const worker = await deployment.as('gpu-worker');
    for (const target of [
      'queries.fashion',
      'queries.claim.fashion',
      '$JS.API.STREAM.PURGE.QUERIES',
      '$JS.API.STREAM.DELETE.RESULTS_acme',
    ]) {
      const config = { deliver_subject: target, deliver_policy: 'all', ack_policy: 'none' };
      const request = Buffer.from(JSON.stringify({ stream_name: 'KV_profiles', config }));
      await worker.request('$JS.API.CONSUMER.CREATE.KV_profiles', request, { timeoutMs: 5_000 });
    }
    const client = await deployment.client('acme');
    expect((await client.infer('fashion', row, { sloMs })).outcome).toBe('ok');
    expect((await acceptedQueries(admin, subjects)).ever).toBe(before + 1);
    expect((await admin.streamState('RESULTS_acme')).messages).toBeGreaterThanOrEqual(0);
  });
});

describe('a tenant', () => {
  it('gets nothing but its queries, its answers and the catalog', async () => {
    const denials: Denial[] = [];
    const bus = await deployment.asTenant('acme', denials);
    await expectDenied(bus, denials, producerAttempts);
  });

  it('hears nothing of another one', async () => {
    const spy = await deployment.asTenant('acme');
    const heard: string[] = [];
    for (const subject of ['_INBOX.>', 'results.*.*']) spy.subscribe(subject, (message) => heard.push(message.subject));
    await spy.flush();
    const borg = await deployment.client('borg');
    expect((await borg.infer('fashion', row, { sloMs })).outcome).toBe('ok');
    borg.publish('fashion', row, { sloMs, resultKey: 'secret' });
    for await (const { outcome } of borg.results('fashion', 'secret', { waitMs: 20_000 })) {
      expect(outcome).toBe('ok');
      break;
    }
    // Positive control, and a fence: whatever was on its way to the spy has come before its own answer.
    const own = await spy.request('infer.fashion', row, { timeoutMs: 20_000, headers: { 'Slo-Ms': String(sloMs) } });
    expect(own.headers.get(headerNames.outcome)).toBe('ok');
    expect(heard.filter((subject) => subject !== own.subject)).toEqual([]);
  });

  it('reads its own stored answers, whatever it asks for', async () => {
    const borg = await deployment.client('borg');
    borg.publish('fashion', row, { sloMs, resultKey: 'shared' });
    for await (const _ of borg.results('fashion', 'shared', { waitMs: 20_000 })) break;
    const bus = await deployment.asTenant('acme');
    const asked = [
      { seq: 1, next_by_subj: '>' },
      { seq: 1, next_by_subj: 'tenants.borg.>' },
      { last_by_subj: 'tenants.borg.results.fashion.shared' },
      { last_by_subj: '>' },
      { seq: 1 },
    ];
    for (const request of asked) {
      const read = await bus.request('$JS.API.DIRECT.GET.RESULTS', Buffer.from(JSON.stringify(request)), {
        timeoutMs: 5_000,
      });
      expect(read.headers.get('Nats-Subject') ?? 'tenants.acme.').toMatch(/^tenants\.acme\./);
    }
    // The same key and the same query id are each tenant's own.
    const acme = await deployment.client('acme');
    expect(await outcomesOf(acme.results('fashion', 'shared', { waitMs: 0 }))).toEqual([]);
    expect((await borg.infer('fashion', row, { sloMs, queryId: 'same' })).outcome).toBe('ok');
    expect((await acme.infer('fashion', row, { sloMs, queryId: 'same' })).outcome).toBe('ok');
    expect(await borg.infer('fashion', row, { sloMs, queryId: 'same' })).toMatchObject({ code: 'duplicate_query' });
  });

  it('points answers nowhere but into its own account', async () => {
    const { ever: before } = await acceptedQueries(admin, subjects);
    const victim = await deployment.asTenant('borg');
    const hit: string[] = [];
    victim.subscribe('_INBOX.>', (message) => hit.push(message.subject));
    await victim.flush();
    const bus = await deployment.asTenant('acme');
    const targets = [
      '$JS.API.STREAM.PURGE.QUERIES',
      'queries.fashion',
      'tenants.borg._INBOX.x.y',
      'workers.rollcall',
      '$SRV.PING',
    ];
    for (const reply of targets) bus.publish('infer.fashion', row, { reply, headers: { 'Slo-Ms': String(sloMs) } });
    const headers = {
      'Slo-Ms': String(sloMs),
      Tenant: 'borg',
      'Reply-To': 'tenants.borg._INBOX.x.y',
      'Nats-Msg-Id': 'borg.x',
    };
    const answer = await bus.request('infer.fashion', row, { timeoutMs: 20_000, headers });
    expect(answer.headers.get(headerNames.outcome)).toBe('ok');
    expect((await acceptedQueries(admin, subjects)).ever).toBe(before + 1);
    await victim.flush();
    expect(hit).toEqual([]);
  });

  it('is told at once what it may not do', async () => {
    const denials: Denial[] = [];
    const bus = await deployment.asTenant('acme', denials);
    await expect(bus.request('profiler.remove', row, { timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'not_permitted',
    });
  });
});

describe('connecting', () => {
  const connecting = (env: Record<string, string>, url = deployment.url) =>
    connectBus({ url, name: 'test', access: readAccess(env), timeoutMs: 30_000 });

  it('needs a key, a known one, and trust in the server', async () => {
    const { caFile, envOf } = deployment.hardened;
    const unauthorized = { code: 'nats_unauthorized' };
    const untrusted = { code: 'nats_untrusted' };
    await expect(connecting({ NATS_CA: caFile })).rejects.toMatchObject(unauthorized);
    const withPassword = deployment.url.replace('//', '//worker:hunter2@');
    await expect(connecting({ NATS_CA: caFile }, withPassword)).rejects.toMatchObject(unauthorized);
    await expect(connecting({ NATS_CA: caFile }, withPassword)).rejects.not.toThrow('hunter2');
    const { NATS_NKEY = '' } = envOf('ingest');
    await expect(connecting({ NATS_NKEY })).rejects.toMatchObject(untrusted);
    await expect(connecting({ ...envOf('ingest'), NATS_INBOX_PREFIX: '_INBOX.scheduler' })).rejects.toMatchObject({
      code: 'not_permitted',
    });
  });

  it('a tenant has no JetStream', async () => {
    const env = deployment.hardened.envOfTenant('acme');
    await expect(connecting(env)).rejects.toMatchObject({ code: 'not_permitted' });
  });
});

it('the administrator may do what nobody else may', async () => {
  const roles: Role[] = ['ingest', 'scheduler', 'gpu-worker', 'profiler'];
  const services = await admin.discover(2_000);
  expect(new Set(services.map(({ name }) => name)).size).toBe(roles.length);
  const reply = await admin.request('$JS.API.STREAM.PURGE.RESULTS', new Uint8Array(0), { timeoutMs: 5_000 });
  expect(JSON.parse(Buffer.from(reply.data).toString())).toMatchObject({ success: true });
});

async function outcomesOf(answers: AsyncIterable<{ outcome: string }>): Promise<string[]> {
  const outcomes: string[] = [];
  for await (const { outcome } of answers) outcomes.push(outcome);
  return outcomes;
}
