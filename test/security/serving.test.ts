/**
 * Under the hardened configuration everything works that works without: queries of two tenants, bodies that stay in the
 * stream, profiling, failover, a broker that is killed, the `slackline` command, submissions. And no secret is said anywhere.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { inCheckout, serviceEntry } from '@slackline/local';
import { acceptedQueries, type Bus, headerNames, profileKeys, Subjects } from '@slackline/shared';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { leaderName } from '../harness/plant.js';
import { parts } from '../submission/supernet.js';
import { type Deployment, deploy, strayPassword, tenants } from './deployment.js';

const row = new Uint8Array(784);
const sloMs = 20_000;
const limitMs = 120_000;
const subjects = new Subjects('');
let deployment: Deployment;
let admin: Bus;
/** What every process started here has said. */
const said: string[] = [];

beforeAll(async () => {
  deployment = await deploy();
  admin = await deployment.as('admin');
}, 300_000);
afterAll(() => deployment?.stop());

interface Ended {
  code: number;
  text: string;
}

/** Runs a program of this checkout with nothing but this environment. */
async function run(entry: string, args: readonly string[], env: Record<string, string>): Promise<Ended> {
  const ended = await promisify(execFile)(process.execPath, [entry, ...args], { env, timeout: limitMs }).then(
    ({ stdout, stderr }) => ({ code: 0, text: `${stdout}${stderr}` }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      text: `${stdout}${stderr}`,
    }),
  );
  said.push(ended.text);
  return ended;
}

function slackline(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const operator = { ...deployment.hardened.envOf('operator'), NATS_URL: deployment.url };
  return run(inCheckout('packages/cli/dist/main.js'), args, { ...operator, ...env });
}

it.each(tenants)(
  'answers the queries of %s',
  async (tenant) => {
    const client = await deployment.client(tenant);
    const answer = await client.infer('fashion', row, { sloMs });
    expect(answer).toMatchObject({ outcome: 'ok', outputs: [{ name: 'logits' }] });
    expect(await client.infer('nobody', row, { sloMs })).toMatchObject({ outcome: 'refused', code: 'unknown_model' });
    expect((await client.models()).map(({ name }) => name)).toEqual(['fashion']);
    client.publish('fashion', row, { sloMs, resultKey: 'kept' });
    for await (const { outcome } of client.results('fashion', 'kept', { waitMs: sloMs })) {
      expect(outcome).toBe('ok');
      break;
    }
    const stored: string[] = [];
    for await (const { outcome } of client.results('fashion', 'kept', { waitMs: 0 })) stored.push(outcome);
    expect(stored).toEqual(['ok']);
  },
  60_000,
);

it('says an outcome again to the tenant that asks for it, and to no other', async () => {
  const [inbox, reply] = ['_INBOX.again.>', '_INBOX.again.1'];
  const heard: string[] = [];
  const [acme, borg] = [await deployment.asTenant('acme'), await deployment.asTenant('borg')];
  acme.subscribe(inbox, ({ headers }) => heard.push(`acme ${headers.get(headerNames.outcome)}`));
  borg.subscribe(inbox, ({ headers }) => heard.push(`borg ${headers.get(headerNames.outcome)}`));
  const query = { [headerNames.queryId]: 'again-1', [headerNames.sloMs]: String(sloMs) };
  const question = { [headerNames.queryId]: 'again-1', [headerNames.outcomeAgain]: reply };
  const ask = async (bus: Bus) => {
    bus.publish(subjects.infer('fashion'), new Uint8Array(0), { headers: question });
    await bus.flush();
  };
  await borg.flush();
  acme.publish(subjects.infer('fashion'), row, { reply, headers: query });
  await expect.poll(() => heard, { timeout: 20_000 }).toEqual(['acme ok']);
  await ask(borg);
  await ask(acme);
  await expect.poll(() => heard).toEqual(['acme ok', 'acme ok']);
}, 60_000);

it('is profiled', async () => {
  const profiles = await admin.keys('profiles', { storage: 'file', replicas: 1 });
  let measured: string[] = [];
  const watch = await profiles.watch(({ key }) => {
    if (profileKeys.latencyOf(key)?.model === 'fashion') measured = [...measured, key];
  });
  await vi.waitFor(() => expect(measured).not.toEqual([]), { timeout: 60_000 });
  await watch.drain();
}, 60_000);

it('answers on when the leader and a worker are killed', async () => {
  const client = await deployment.client('acme');
  const { system } = deployment;
  const leader = await leaderName({ system, bus: admin, subjects });
  expect(leader).toMatch(/^scheduler-/);
  const asked = Array.from({ length: 20 }, () => client.infer('fashion', row, { sloMs }));
  await Promise.all([system.kill(leader), system.kill('gpu-worker-0')]);
  const outcomes = (await Promise.all(asked)).map(({ outcome }) => outcome);
  expect(outcomes).toEqual(outcomes.map(() => 'ok'));
  expect(await leaderName({ system, bus: admin, subjects })).not.toBe(leader);
  await system.start('gpu-worker-0');
}, 90_000);

it('answers what was accepted before the broker was killed, into the account that asked', async () => {
  const client = await deployment.client('borg');
  const { system, server } = deployment;
  for (const worker of system.workers) worker.signal('SIGSTOP');
  const before = (await acceptedQueries(admin, subjects)).ever;
  const asked = [1, 2, 3].map(() => client.infer('fashion', row, { sloMs: 50_000 }));
  await vi.waitFor(async () => expect((await acceptedQueries(admin, subjects)).ever).toBe(before + 3));
  await server.kill();
  await server.restart();
  for (const worker of system.workers) worker.signal('SIGCONT');
  const answers = await Promise.all(asked);
  expect(answers.map((answer) => ('code' in answer ? answer.code : answer.outcome))).toEqual(['ok', 'ok', 'ok']);
}, 90_000);

describe('the operator', () => {
  it('lists and shows models', async () => {
    const { code, text } = await slackline(['models', 'list', '--json']);
    expect({ code, text }).toMatchObject({ code: 0, text: expect.stringContaining('"fashion"') });
    expect(await slackline(['models', 'show', 'fashion'])).toMatchObject({ code: 0 });
  }, 60_000);

  it(
    'submits a supernet, which is built, rolled out and served',
    async () => {
      const path = (name: string) => join(deployment.folder, name);
      const { onnx, spec, images, labels } = parts('security');
      const files = { 'net.onnx': onnx, 'net.json': spec, 'images.npy': images, 'labels.npy': labels };
      for (const [name, bytes] of Object.entries(files)) writeFileSync(path(name), bytes);
      const { code, text } = await slackline([
        ...['submit', 'tiny', '--quick', '--json', '--slo-ms', '5000'],
        ...['--onnx', path('net.onnx'), '--spec', path('net.json')],
        ...['--validation', `${path('images.npy')},${path('labels.npy')}`],
      ]);
      expect({ code, text }).toMatchObject({ code: 0, text: expect.stringContaining('"published"') });
      const client = await deployment.client('acme');
      await vi.waitFor(async () => expect((await client.models()).map(({ name }) => name)).toContain('tiny'));
      expect((await client.infer('tiny', new Uint8Array(16), { sloMs })).outcome).toBe('ok');
      expect(await slackline(['models', 'remove', 'tiny'])).toMatchObject({ code: 0 });
    },
    limitMs,
  );

  it('with the key of another role is refused at once', async () => {
    const { code, text } = await slackline(['models', 'list'], deployment.hardened.envOfTenant('acme'));
    expect({ code, text }).toMatchObject({ code: 1, text: expect.stringContaining('permission') });
  }, 60_000);
});

it('nobody lacks a permission', () => {
  // Whoever uses a new subject adds it to packages/local/src/hardened/permissions.ts.
  const lacking = deployment
    .logs()
    .split('\n')
    .filter((line) => line.includes('not_permitted'));
  expect(lacking).toEqual([]);
});

describe('secrets', () => {
  const password = 'hunter2-of-mallory';
  const withPassword = () => deployment.url.replace('//', `//mallory:${password}@`);

  it.each(['ingest', 'scheduler', 'gpu-worker', 'profiler'])(
    '%s says why it is not let in, and no password',
    async (service) => {
      const { NATS_CA = '' } = deployment.hardened.envOf('ingest');
      const env = { NATS_URL: withPassword(), NATS_CA, LOG_LEVEL: 'trace', EXECUTOR: 'cpu' };
      const { code, text } = await run(serviceEntry(service), [], env);
      expect({ code, text }).toMatchObject({ code: 1, text: expect.stringContaining('nats_unauthorized') });
      expect(text).not.toContain(password);
    },
    60_000,
  );

  it('a seed in a file that is none stays there', async () => {
    const file = join(deployment.folder, 'broken.nk');
    writeFileSync(file, strayPassword);
    for (const variable of ['NATS_NKEY', 'NATS_CREDS', 'NATS_CA']) {
      const env = { NATS_URL: deployment.url, LOG_LEVEL: 'trace', [variable]: file };
      const { code, text } = await run(serviceEntry('ingest'), [], env);
      expect({ code, text }).toMatchObject({
        code: 1,
        text: expect.stringContaining('invalid_config'),
      });
    }
  }, 60_000);

  it('the command says where it found nobody, and no password', async () => {
    const { code, text } = await slackline(['models', 'list', '--nats', `nats://mallory:${password}@127.0.0.1:1`]);
    expect({ code, text }).toMatchObject({ code: 1, text: expect.stringContaining('127.0.0.1:1') });
  }, 60_000);

  it('are in no log, no error and no announcement', async () => {
    const tls = dirname(deployment.hardened.caFile);
    const seeds = join(dirname(tls), 'seeds');
    const keyLines = readFileSync(join(tls, 'server.key'), 'utf8').split('\n').slice(1, -2);
    const secrets = [
      ...readdirSync(seeds).map((name) => readFileSync(join(seeds, name), 'utf8').trim()),
      ...keyLines,
      ...[password, strayPassword],
    ];
    expect(secrets.length).toBeGreaterThan(10);
    const announced = JSON.stringify(await admin.discover(2_000));
    expect(announced).toContain('slackline-ingest');
    const everything = [deployment.logs(), ...said, announced].join('\n');
    // It must be the logs that are searched.
    expect(everything).toContain('model published');
    expect(secrets.filter((secret) => everything.includes(secret))).toEqual([]);
  }, 60_000);
});
