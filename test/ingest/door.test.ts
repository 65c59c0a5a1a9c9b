/** What an ingest does with the scheduler's word of what waits: hopeless queries are refused, and nothing of them is stored. */
import { contentTypes, pack, parseAnswer } from '@slackline/shared';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { type Deployment, newDeployment, row } from './deployment.js';

const nats = withNatsServer();
let deployment: Deployment;
beforeEach(async () => {
  deployment = await newDeployment(nats.url);
  await deployment.ingest();
});
afterEach(() => deployment.close());

/** Says that the normal class waits for so long; the ingest has it when this resolves, as one connection keeps its order. */
async function tell(takesMs: number): Promise<void> {
  const { bus, subjects } = deployment;
  const waits = { takesMs, latestMs: Date.now() + 1_000, sloMs: 16, within: [] };
  const none = { takesMs: 0, latestMs: 0, sloMs: 0, within: [] };
  const models = takesMs === 0 ? [] : [{ model: 'm', capacityPerMs: 0.1, low: waits, normal: waits, high: none }];
  bus.publish(subjects.backlog, pack({ v: 1, models }));
  await bus.flush();
}

const json = (parameters: object) => ({
  headers: { 'Content-Type': contentTypes.json, 'Slo-Ms': '2000' },
  data: Buffer.from(
    JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }], parameters }),
  ),
});

it('refuses what would be done too late, says when to come back, and stores nothing of it', async () => {
  await tell(60_000);
  const refused = parseAnswer(await deployment.ask({ headers: { 'Slo-Ms': '2000' } }));
  expect(refused).toMatchObject({ outcome: 'refused', code: 'overloaded' });
  const { retryAfterMs = 0 } = 'code' in refused ? refused : {};
  expect(retryAfterMs).toBeGreaterThan(30_000);
  expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  deployment.send({ headers: { 'Slo-Ms': '2000', Priority: 'high' } });
  await deployment.stored(1);
  expect((await deployment.query(1)).headers.Priority).toBe('high');
});

it('reads a body before it refuses it for a priority that the body may raise', async () => {
  await tell(60_000);
  expect(parseAnswer(await deployment.ask(json({})))).toMatchObject({ code: 'overloaded' });
  expect(parseAnswer(await deployment.ask(json({ priority: 'low' })))).toMatchObject({ code: 'overloaded' });
  deployment.send(json({ priority: 'high' }));
  await deployment.stored(1);
});

it('lets all in again when it is told so, and is not disturbed by what is no report', async () => {
  const { bus, subjects } = deployment;
  await tell(60_000);
  for (const junk of [new Uint8Array([1, 2, 3]), pack({ v: 1 as const, models: [{ model: 'm', capacityPerMs: 0 }] })]) {
    bus.publish(subjects.backlog, junk);
    bus.publish(subjects.telemetry('ingest'), junk);
  }
  expect(parseAnswer(await deployment.ask({ data: row }))).toMatchObject({ code: 'overloaded' });
  await tell(0);
  deployment.send();
  await deployment.stored(1);
});
