/** What producers may send that means harm, or nothing at all. */

import { acceptedQueries, type BusMessage, contentTypes, headerNames, parseAnswer } from '@slackline/shared';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawConnection, type RawMessage } from '../fuzz/raw-connection.js';
import { withNatsServer } from '../harness/nats-server.js';
import { type Deployment, newDeployment, row } from './deployment.js';

const nats = withNatsServer();
let deployment: Deployment;
beforeEach(async () => {
  deployment = await newDeployment(nats.url);
});
afterEach(() => deployment.close());

describe('a reply subject that is not an inbox', () => {
  it('gets neither an answer nor a refusal, and is never stored', async () => {
    await deployment.ingest();
    const { bus, subjects } = deployment;
    const attacked = [
      subjects.queries('m'),
      subjects.infer('m'),
      subjects.results('m', 'k'),
      subjects.batch('w1'),
      'bank.transfer',
      '$JS.API.STREAM.DELETE.ORDERS',
      '$KV.leader.x',
      '$SRV.PING',
      '$SYS.REQ.SERVER.PING',
      '_INBOX',
      '_INBOXES.x',
      '_inbox.x',
    ];
    const heard: BusMessage[] = [];
    const subscriptions = attacked
      .filter((subject) => !subject.startsWith('$') && subject !== subjects.infer('m'))
      .map((subject) => bus.subscribe(subject, (message) => heard.push(message)));
    for (const reply of attacked) {
      deployment.send({ reply });
      // A query that is wrong besides tempts with its refusal.
      deployment.send({ reply, data: new Uint8Array(0) });
    }
    const summary = await deployment.telemetry(({ refused }) => (refused.forbidden_reply ?? 0) === 2 * attacked.length);
    expect(summary.refused).toEqual({ forbidden_reply: 2 * attacked.length });
    expect(summary.accepted).toBe(0);
    await bus.flush();
    expect(heard).toEqual([]);
    expect((await acceptedQueries(bus, subjects)).ever).toBe(0);
    for (const subscription of subscriptions) await subscription.drain();
  });

  it('is fine when the operator allows it', async () => {
    await deployment.ingest({ ALLOWED_REPLY_PREFIXES: '_INBOX., shop.answers.' });
    deployment.send({ reply: 'shop.answers.7' });
    await deployment.stored(1);
    expect((await deployment.query(1)).headers).toMatchObject({ 'Reply-To': 'shop.answers.7' });
  });
});

describe('headers that no client of good will writes', () => {
  const lines = (text: string) => Buffer.from(`NATS/1.0\r\n${text}\r\n\r\n`, 'latin1');
  it.each([
    ['a name with a space', lines('Slo Ms: 5')],
    ['a name beyond ASCII', lines('Slo-M\xdf: 5')],
    ['a line feed in a value', lines('Query-Id: a\nb')],
    ['tens of thousands of them', lines(Array.from({ length: 40_000 }, (_, i) => `h${i}:`).join('\r\n'))],
  ])('%s: the query is refused with a code, and the next one accepted', async (_, headers) => {
    await deployment.ingest();
    const { subjects } = deployment;
    const answered = new Promise<RawMessage>((resolve) => {
      void RawConnection.open(nats.url, resolve).then((raw) => {
        raw.subscribe('_INBOX.raw.*');
        raw.publish(subjects.infer('m'), row, { reply: '_INBOX.raw.1', headers });
      });
    });
    expect(Buffer.from((await answered).headers).toString()).toContain('Error-Code: wrong_header');
    deployment.send();
    await deployment.stored(1);
  });
});

describe('random messages', () => {
  const odd = fc.oneof(
    fc.string(),
    fc.constantFrom('0', '-1', '1e309', 'NaN', '5', '00000', '9'.repeat(400), 'a.b', '>', '*', 'é\u2028', 'a b'),
  );
  // What the client library itself would refuse to send cannot arrive.
  const value = odd.map((text) => text.replaceAll(/[\r\n]/g, ''));
  const headers = fc.dictionary(
    fc.constantFrom(
      'Slo-Ms',
      'Deadline',
      'Query-Id',
      'Result-Key',
      'Root-Id',
      'Stage',
      'Content-Type',
      'Reply-To',
      'X',
    ),
    fc.oneof(value, fc.constantFrom(...Object.values(contentTypes))),
    { maxKeys: 4 },
  );
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.constant(row),
    fc.constant(Buffer.from('{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}]}')),
  );

  it('are each stored or refused, 2,000 of them, and a good query is then served as if nothing had been', async () => {
    await deployment.ingest();
    const messages = fc.sample(fc.record({ headers, body }), 2_000);
    for (const message of messages) deployment.send({ headers: message.headers, data: message.body });
    const summary = await deployment.telemetry(({ accepted, refused, unconfirmed }) => {
      const all = Object.values(refused).reduce((sum, count) => sum + count, accepted + unconfirmed);
      return all === messages.length;
    });
    expect(summary.inFlight).toBe(0);
    const state = await deployment.bus.streamState(deployment.subjects.stores.queries);
    // On a busy machine a PubAck may come after the deadline: that query is stored or not, and nobody was told anything.
    expect(state.lastSequence).toBeGreaterThanOrEqual(summary.accepted);
    expect(state.lastSequence).toBeLessThanOrEqual(summary.accepted + summary.unconfirmed);

    const reply = deployment.bus.newInbox();
    deployment.send({ headers: { 'Query-Id': 'good-one' }, reply });
    await deployment.stored(state.lastSequence + 1);
    const { headers: stamped } = await deployment.query(state.lastSequence + 1);
    expect(stamped).toMatchObject({ 'Nats-Msg-Id': 'good-one', 'Reply-To': reply });
  });

  it('with an inbox are answered in words that fit into a header', async () => {
    await deployment.ingest();
    for (const message of fc.sample(fc.record({ headers, body }), 200)) {
      // Made wrong for certain, so that each is answered.
      const answer = await deployment.ask({ headers: { ...message.headers, Stage: '?' }, data: message.body });
      expect(parseAnswer(answer)).toMatchObject({ outcome: 'refused', code: 'wrong_header' });
      expect(answer.headers.get(headerNames.serviceError)).toMatch(/^\P{Cc}+$/u);
    }
  });
});
