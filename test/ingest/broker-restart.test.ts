/** Ingest when its broker goes away and comes back. */
import { parseAnswer } from '@slackline/shared';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { type Deployment, model, newDeployment } from './deployment.js';

const nats = withNatsServer();
let deployment: Deployment;
beforeEach(async () => {
  deployment = await newDeployment(nats.url, 'file');
});
afterEach(() => deployment.close());

it('takes queries again, knows the time again and follows the catalog again', async () => {
  await deployment.ingest();
  deployment.send({ headers: { 'Query-Id': 'before' } });
  await deployment.stored(1);
  await nats.server.kill();
  await nats.server.restart();

  const patience = { timeout: 25_000, interval: 50 };
  await vi.waitFor(async () => {
    // Kept across the restart: what was accepted, and its id.
    const answer = parseAnswer(await deployment.ask({ headers: { 'Query-Id': 'before' } }));
    expect(answer).toMatchObject({ code: 'duplicate_query' });
  }, patience);
  await deployment.serve({ ...model, name: 'new' });
  await vi.waitFor(async () => {
    const answer = parseAnswer(await deployment.ask({ model: 'new', headers: { 'Slo-Ms': 'x' } }));
    expect(answer).toMatchObject({ code: 'wrong_deadline' });
  }, patience);
  // The stream behind the clock lives in memory and went with the broker.
  const { stores, clock } = deployment.subjects;
  const { brokerMs } = await vi.waitFor(() => deployment.bus.readClock(stores.clock, clock), patience);
  deployment.send({ headers: { Deadline: String(Math.round(brokerMs + 20_000)) } });
  await deployment.stored(2);
}, 60_000);
