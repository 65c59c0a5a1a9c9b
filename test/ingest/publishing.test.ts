/** What ingest does when the broker answers late, not at all, or says no. */
import { type BusMessage, parseAnswer, SlacklineError } from '@slackline/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { type Deployment, newDeployment, type Publish, row, withPublish } from './deployment.js';

const nats = withNatsServer();
let deployment: Deployment;
beforeEach(async () => {
  deployment = await newDeployment(nats.url);
});
afterEach(() => deployment.close());

/** Everything that comes to one reply subject. */
function listen() {
  const reply = deployment.bus.newInbox();
  const heard: BusMessage[] = [];
  deployment.bus.subscribe(reply, (message) => heard.push(message));
  return { reply, heard };
}

describe('a lost PubAck', () => {
  it('is asked for again under the same id, and the query is stored and counted once', async () => {
    let publishes = 0;
    await deployment.ingest({}, (bus) =>
      withPublish(bus, (publish) => {
        publishes = publish.number;
        if (publish.number === 1) publish.loseWord();
        publish.send();
      }),
    );
    const { reply, heard } = listen();
    deployment.send({ headers: { 'Query-Id': 'q-1', 'Slo-Ms': '20000' }, reply });
    const summary = await deployment.telemetry(({ accepted }) => accepted > 0);
    expect(summary).toMatchObject({ accepted: 1, retried: 1, refused: {}, unconfirmed: 0, inFlight: 0 });
    expect(publishes).toBe(2);
    expect((await deployment.bus.streamState(deployment.subjects.stores.queries)).lastSequence).toBe(1);
    expect(heard).toEqual([]);
  });

  it('stamps the time that is left when it publishes again', async () => {
    const budgets: number[] = [];
    await deployment.ingest({ PUBACK_TIMEOUT_MS: '100' }, (bus) =>
      withPublish(bus, (publish) => {
        budgets.push(Number(publish.headers.get('Budget-Ms')));
        // The first two never reach the broker.
        if (publish.number === 3) publish.send();
      }),
    );
    deployment.send({ headers: { 'Slo-Ms': '20000' } });
    await deployment.stored(1);
    const [first = 0, second = 0, third = 0] = budgets;
    expect(first).toBe(20_000);
    expect(first - second).toBeGreaterThanOrEqual(100);
    expect(second - third).toBeGreaterThanOrEqual(200);
    expect(Number((await deployment.query(1)).headers['Budget-Ms'])).toBe(third);
  });

  it('that never comes is not called a refusal: nothing is said, because the stream may hold the query', async () => {
    await deployment.ingest({}, (bus) =>
      withPublish(bus, (publish) => {
        publish.loseWord();
        publish.send();
      }),
    );
    const { reply, heard } = listen();
    deployment.send({ headers: { 'Slo-Ms': '100' }, reply });
    const summary = await deployment.telemetry(({ unconfirmed }) => unconfirmed > 0);
    expect(summary).toMatchObject({ accepted: 0, refused: {}, unconfirmed: 1 });
    expect((await deployment.bus.streamState(deployment.subjects.stores.queries)).messages).toBe(1);
    expect(heard).toEqual([]);
  });

  it('followed by a full stream is still not a refusal', async () => {
    let publishes = 0;
    await deployment.ingest({}, (bus) =>
      withPublish(bus, (publish) => {
        publishes = publish.number;
        if (publish.number > 1) publish.say(new SlacklineError('stream_full', 'No room'));
      }),
    );
    const { reply, heard } = listen();
    deployment.send({ headers: { 'Slo-Ms': '400' }, reply });
    const summary = await deployment.telemetry(({ unconfirmed }) => unconfirmed > 0);
    expect(summary).toMatchObject({ refused: {}, unconfirmed: 1 });
    expect(publishes).toBeGreaterThan(1);
    expect(heard).toEqual([]);
  });
});

/** Holds publishes back until it is released. */
function holdingBack() {
  const held: Publish[] = [];
  let isReleased = false;
  return {
    onPublish(publish: Publish) {
      if (isReleased) publish.send();
      else held.push(publish);
    },
    release() {
      isReleased = true;
      for (const publish of held.splice(0)) publish.send();
    },
  };
}

describe('overload', () => {
  it('of the stream is told, with the time to come back, and nothing accepted is lost', async () => {
    await deployment.ingest({ MAX_QUEUED: '3', RETRY_AFTER_MS: '70' });
    for (let n = 0; n < 3; n++) deployment.send();
    await deployment.stored(3);
    const answer = parseAnswer(await deployment.ask({ headers: { 'Query-Id': 'fourth' } }));
    expect(answer).toMatchObject({
      outcome: 'refused',
      code: 'overloaded',
      retryAfterMs: 70,
      queryId: 'fourth',
      status: 503,
    });
    expect((await deployment.bus.streamState(deployment.subjects.stores.queries)).messages).toBe(3);
  });

  it('of the bytes in the stream too', async () => {
    await deployment.ingest({ MAX_QUEUED_BYTES: '1024' });
    for (let n = 0; n < 20; n++) deployment.send();
    expect(parseAnswer(await deployment.ask())).toMatchObject({ code: 'overloaded' });
  });

  it.each([
    ['queries', { MAX_UNANSWERED: '2' }],
    ['bytes', { MAX_UNANSWERED_BYTES: String(2 * row.length) }],
  ])('of %s that wait for the broker', async (_what, env) => {
    const { onPublish, release } = holdingBack();
    await deployment.ingest(env, (bus) => withPublish(bus, onPublish));
    deployment.send();
    deployment.send();
    expect(parseAnswer(await deployment.ask())).toMatchObject({ code: 'overloaded', retryAfterMs: 100 });
    release();
    await deployment.stored(2);
    deployment.send();
    await deployment.stored(3);
  });

  it('a twin of a query that is on its way is refused at once', async () => {
    const { onPublish, release } = holdingBack();
    await deployment.ingest({}, (bus) => withPublish(bus, onPublish));
    deployment.send({ headers: { 'Query-Id': 'twin' } });
    expect(parseAnswer(await deployment.ask({ headers: { 'Query-Id': 'twin' } }))).toMatchObject({
      code: 'duplicate_query',
    });
    release();
    await deployment.stored(1);
  });
});

describe('a broker that refuses', () => {
  it('is told as unavailable', async () => {
    await deployment.ingest({}, (bus) =>
      withPublish(bus, (publish) => publish.say(new SlacklineError('no_responders', 'No stream'))),
    );
    expect(parseAnswer(await deployment.ask())).toMatchObject({ code: 'unavailable', status: 503 });
  });
});

describe('a shutdown', () => {
  it('stores what was taken before, waits for its PubAcks, and takes nothing more', async () => {
    const { onPublish, release } = holdingBack();
    const service = await deployment.ingest({}, (bus) =>
      withPublish(bus, (publish) => {
        onPublish(publish);
        // No PubAck comes before the shutdown has taken in the last query.
        if (publish.number === 200) release();
      }),
    );
    for (let n = 0; n < 200; n++) deployment.send();
    await deployment.bus.flush();
    const last = deployment.telemetry(({ accepted }) => accepted === 200);
    await service.stop();
    await last;
    expect((await deployment.bus.streamState(deployment.subjects.stores.queries)).lastSequence).toBe(200);
    await expect(deployment.ask()).rejects.toMatchObject({ code: 'no_responders' });
  });
});
