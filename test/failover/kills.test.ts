/** The leader is killed under load, again and again: a standby serves, and nothing that was accepted is forgotten. */
import { FaultProxy, spreadOf } from '@slackline/chaos';
import { connect } from '@slackline/client';
import { acceptedQueries, connectBus } from '@slackline/shared';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leaderName, model, type Plant, row, startPlant } from '../harness/plant.js';
import { Producer } from '../harness/producer.js';
import { Spy } from '../harness/spy.js';

/** `FAILOVERS=20` is the nightly size. */
const kills = Number(process.env.FAILOVERS ?? 4);
const settleMs = 700;

let plant: Plant;
beforeAll(async () => {
  plant = await startPlant({
    schedulers: 3,
    ingests: 1,
    workers: 1,
    // All bodies lie in CLAIMS, as large ones do; the tests beside this one have them in QUERIES.
    env: { ingest: { CLAIM_ABOVE_BYTES: '0' }, 'gpu-worker': { WORKERS_PER_PROCESS: '4' } },
  });
});
afterAll(() => plant?.stop());

describe('killing the leader under load', () => {
  it('has a standby serve, loses nothing and answers nothing twice', async () => {
    const { system, bus, subjects } = plant;
    const before = await acceptedQueries(bus, subjects);
    const spy = await Spy.listen(plant);
    const producer = await Producer.start(system.natsUrl, { rate: 300, sloMs: 1_000 });
    const taken: { called: number; sent: number; answered: number }[] = [];
    for (let i = 0; i < kills; i++) {
      await new Promise((resolve) => setTimeout(resolve, settleMs));
      const name = await leaderName(plant);
      const { token } = spy;
      const killedAtMs = performance.now();
      await system.kill(name);
      const { atMs } = await spy.doneAfter(token);
      const isNew = (each: { token: number }) => each.token > token;
      taken.push({
        called: (spy.rollCalls.find(isNew)?.atMs ?? Number.NaN) - killedAtMs,
        sent: (spy.commands.find(isNew)?.atMs ?? Number.NaN) - killedAtMs,
        answered: atMs - killedAtMs,
      });
      await system.start(name);
    }
    await producer.finish();
    const { ever, waiting } = await acceptedQueries(bus, subjects);
    const { ok = 0, late = 0, expired = 0, failed = 0, ...others } = producer.counts();
    const told = (of: (each: (typeof taken)[number]) => number) => {
      const { p50, p90, max } = spreadOf(taken.map(of)) ?? {};
      return `p50 ${p50} ms, p90 ${p90} ms, max ${max} ms`;
    };
    console.log(
      [
        `${kills} kills of the leader; from the kill to`,
        `  the next one’s roll call: ${told(({ called }) => called)}`,
        `  its first batch:          ${told(({ sent }) => sent)}`,
        `  its first answers:        ${told(({ answered }) => answered)}`,
        `  ${producer.sent} queries: ${JSON.stringify(producer.counts())}, second answers: ${producer.second.length}`,
      ].join('\n'),
    );
    expect(waiting).toBe(0);
    expect(ok + late + expired + failed).toBe(ever - before.ever);
    expect(failed).toBe(0);
    expect(others).toEqual({});
    expect(producer.first.length).toBe(producer.sent);
  }, 240_000);
});

describe('a producer that loses its connection', () => {
  it('has the queries answered that it sends until it is connected again', async () => {
    const proxy = await FaultProxy.start({ target: new URL(plant.system.natsUrl).host });
    const client = await connect({ url: proxy.url, graceMs: 10_000 });
    // Beside the client, to see when the connections are gone.
    const observer = await connectBus({ url: proxy.url, name: 'observer' });
    try {
      const gone = new Promise<void>((resolve) => {
        observer.onStatus((status) => status === 'disconnected' && resolve());
      });
      const ask = () => client.infer(model, row, { sloMs: 10_000 });
      expect(await ask()).toMatchObject({ outcome: 'ok' });
      const heal = proxy.apply({ kind: 'reset' });
      await gone;
      await new Promise((resolve) => setTimeout(resolve, 100));
      const answers = Array.from({ length: 20 }, ask);
      heal();
      for (const { outcome } of await Promise.all(answers)) expect(outcome).toBe('ok');
      expect(client.counts).toEqual({ duplicates: 0, tooLate: 0, unreadable: 0 });
    } finally {
      await client.close();
      await observer.close();
      await proxy.close();
    }
  }, 60_000);
});
