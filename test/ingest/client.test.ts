/** The producer's client against a real ingest; the scheduler is played by the test. */
import { type Answer, connect, type SlacklineClient } from '@slackline/client';
import {
  type AnswerFacts,
  type Consumption,
  encodeOutputs,
  type FramedMessage,
  frameAnswer,
  frameError,
  headerNames,
  SlacklineError,
  type StreamMessage,
} from '@slackline/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { type Deployment, model, newDeployment, row } from './deployment.js';

const nats = withNatsServer();
let deployment: Deployment;
let client: SlacklineClient;
let scheduler: Consumption | undefined;
beforeEach(async () => {
  deployment = await newDeployment(nats.url);
  client = await connect({ url: nats.url, prefix: deployment.subjects.prefix, graceMs: 100 });
});
afterEach(async () => {
  await client.close();
  await scheduler?.stop();
  scheduler = undefined;
  await deployment.close();
});

const scores = new Float32Array([0.25, -1, 3]);

/** The answer to a stored query: always the same scores. */
function answerTo(query: StreamMessage, outcome: 'ok' | 'late' = 'ok'): FramedMessage {
  const contentType = query.headers.get(headerNames.contentType) ?? '';
  const facts: AnswerFacts = {
    queryId: query.headers.get(headerNames.messageId) ?? '',
    model: 'm',
    outcome,
    subnet: 's',
    accuracy: 0.9,
    batchSize: 4,
    queueMs: 1.5,
    inferenceMs: 2.5,
    deadlineMet: outcome === 'ok',
    executor: 'test',
  };
  const metadata = { name: 'y', datatype: 'FP32', shape: [-1, 3] } as const;
  return frameAnswer(
    contentType,
    facts,
    encodeOutputs(contentType, [{ metadata: { ...metadata, shape: [-1, 3] }, data: scores }]),
  );
}

/** Publishes an answer where the query wants it. */
async function send(query: StreamMessage, { data, headers }: FramedMessage): Promise<void> {
  const to = query.headers.get(headerNames.replyTo);
  if (to !== undefined) return deployment.bus.publish(to, data, { headers });
  const key = query.headers.get(headerNames.resultKey) ?? '';
  const id = headers.get(headerNames.queryId) ?? '';
  await deployment.bus.publishToStream(deployment.subjects.results('m', key), data, { id, headers, timeoutMs: 5_000 });
}

/** Starts ingest and the test's scheduler. */
async function serve(onQuery: (query: StreamMessage) => Promise<void>): Promise<void> {
  await deployment.ingest();
  const consumer = { name: 'test', ackWaitMs: 60_000, maxAckPending: 10_000, prefetch: 1_000 };
  scheduler = await deployment.bus.consume({ ...consumer, stream: deployment.subjects.stores.queries }, (query) => {
    query.ack();
    void onQuery(query);
  });
}

const facts = { subnet: 's', accuracy: 0.9, batchSize: 4, queueMs: 1.5, inferenceMs: 2.5, deadlineMet: true };

describe('infer', () => {
  it('gives the outputs of a raw row, and what the answer says of itself', async () => {
    await serve((query) => send(query, answerTo(query)));
    const answer = await client.infer('m', new Float32Array([1, 2]), { sloMs: 5_000, queryId: 'q-1' });
    expect(answer).toMatchObject({ ...facts, outcome: 'ok', queryId: 'q-1', executor: 'test' });
    expect(answer).toMatchObject({ outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 3], data: scores }] });
    expect(answer.roundTripMs).toBeGreaterThan(0);
  });

  it('takes a request of the Open Inference Protocol too', async () => {
    await serve((query) => send(query, answerTo(query, 'late')));
    const request = { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }] };
    const answer = await client.infer('m', request, { sloMs: 5_000 });
    expect(answer).toMatchObject({ outcome: 'late', outputs: [{ name: 'y', data: scores }] });
  });

  it('tells a refusal with its code and its sentence', async () => {
    await deployment.ingest();
    expect(await client.infer('nobody', row)).toMatchObject({ outcome: 'refused', code: 'unknown_model', status: 404 });
    expect(await client.infer('m', row, { sloMs: 1e9 })).toMatchObject({ outcome: 'refused', code: 'wrong_deadline' });
  });

  it('tells when to come back to a full queue', async () => {
    await deployment.ingest({ MAX_QUEUED: '1' });
    deployment.send();
    await deployment.stored(1);
    expect(await client.infer('m', row)).toMatchObject({ outcome: 'refused', code: 'overloaded', retryAfterMs: 100 });
  });

  it('tells the outcome of an accepted query without an answer', async () => {
    const error = new SlacklineError('expired', 'No time was left');
    await serve((query) => {
      const queryId = query.headers.get(headerNames.messageId);
      return send(query, frameError('', error, { queryId, outcome: 'expired' }));
    });
    expect(await client.infer('m', row)).toMatchObject({ outcome: 'expired', code: 'expired', message: error.message });
  });

  it('is refused when no ingest runs', async () => {
    expect(await client.infer('m', row)).toMatchObject({ outcome: 'refused', code: 'no_responders' });
  });

  it('ends unanswered when nothing comes within the limit and the grace', async () => {
    await deployment.ingest();
    expect(await client.infer('m', row, { sloMs: 30, queryId: 'q-1' })).toMatchObject({
      outcome: 'unanswered',
      queryId: 'q-1',
    });
    expect(client.outstanding).toBe(0);
  });

  it.each([
    ['a model of two tokens', () => client.infer('a.b', row)],
    ['an id with a space', () => client.infer('m', row, { queryId: 'a b' })],
    ['a body above the broker’s limit', () => client.infer('m', new Uint8Array(9 * 1024 * 1024))],
  ])('rejects %s, and goes on', async (_what, call) => {
    await expect(call()).rejects.toBeInstanceOf(SlacklineError);
    expect(client.outstanding).toBe(0);
    await serve((query) => send(query, answerTo(query)));
    expect(await client.infer('m', row)).toMatchObject({ outcome: 'ok' });
  });
});

describe('an answer that comes twice', () => {
  it('is given once, and counted', async () => {
    await serve(async (query) => {
      await send(query, answerTo(query));
      await send(query, answerTo(query));
    });
    const answers: string[] = [];
    await new Promise<void>((resolve) => {
      client.send('m', row, { sloMs: 5_000 }, ({ outcome }) => {
        answers.push(outcome);
        resolve();
      });
    });
    await vi.waitFor(() => expect(client.counts).toEqual({ duplicates: 1, tooLate: 0, unreadable: 0 }));
    expect(answers).toEqual(['ok']);
  });

  it('after its query has timed out is counted apart', async () => {
    const late: StreamMessage[] = [];
    await serve(async (query) => {
      late.push(query);
    });
    expect(await client.infer('m', row, { sloMs: 5_000, timeoutMs: 50 })).toMatchObject({ outcome: 'unanswered' });
    await vi.waitFor(() => expect(late).toHaveLength(1));
    for (const query of late) await send(query, answerTo(query));
    await vi.waitFor(() => expect(client.counts).toEqual({ duplicates: 0, tooLate: 1, unreadable: 0 }));
  });
});

describe('send', () => {
  it('tells the answers of thousands of queries apart', async () => {
    await serve((query) => send(query, answerTo(query)));
    const count = 3_000;
    const answered = new Map<string, string>();
    const sent: string[] = [];
    await new Promise<void>((resolve) => {
      for (let n = 0; n < count; n++) {
        sent.push(
          client.send('m', row, { sloMs: 20_000 }, ({ queryId, outcome }) => {
            answered.set(queryId, outcome);
            if (answered.size === count) resolve();
          }),
        );
      }
    });
    expect([...answered.keys()].sort()).toEqual(sent.sort());
    expect(new Set(answered.values())).toEqual(new Set(['ok']));
    expect(client.counts.duplicates).toBe(0);
  });

  it('is called back, unanswered, when the client closes', async () => {
    await deployment.ingest();
    const closing = await connect({ url: nats.url, prefix: deployment.subjects.prefix });
    const ended = new Promise((resolve) => closing.send('m', row, { sloMs: 20_000 }, resolve));
    await closing.close();
    expect(await ended).toMatchObject({ outcome: 'unanswered' });
  });
});

describe('publish and results', () => {
  const take = async (answers: AsyncGenerator<Answer>, count: number) => {
    const taken: string[] = [];
    for await (const answer of answers) {
      taken.push(answer.queryId);
      if (taken.length === count) break;
    }
    return taken;
  };

  it('keep answers under a key: the stored ones first, then those that come', async () => {
    await serve((query) => send(query, answerTo(query)));
    client.publish('m', row, { resultKey: 'job', queryId: 'q-1' });
    client.publish('m', row, { resultKey: 'other', queryId: 'q-2' });
    client.publish('m', row, { resultKey: 'job', queryId: 'q-3' });
    await vi.waitFor(async () => {
      expect((await deployment.bus.streamState(deployment.subjects.stores.results)).messages).toBe(3);
    });
    const answers = client.results('m', 'job');
    expect(await answers.next()).toMatchObject({
      value: { ...facts, queryId: 'q-1', outcome: 'ok', outputs: [{ data: scores }] },
    });
    client.publish('m', row, { resultKey: 'job', queryId: 'q-4' });
    expect(await take(answers, 2)).toEqual(['q-3', 'q-4']);
  });

  it('end when nothing new has come for the time that is given', async () => {
    await serve((query) => send(query, answerTo(query)));
    expect(await take(client.results('m', 'job', { waitMs: 0 }), 9)).toEqual([]);
    const id = client.publish('m', row);
    expect(await take(client.results('m', id, { waitMs: 500 }), 9)).toEqual([id]);
  });

  it('end when the client closes', async () => {
    await deployment.ingest();
    const closing = await connect({ url: nats.url, prefix: deployment.subjects.prefix });
    const taken = take(closing.results('m', 'job'), 9);
    await closing.models();
    await closing.close();
    expect(await taken).toEqual([]);
  });
});

it('models shows what is served', async () => {
  expect(await client.models()).toEqual([model]);
  await deployment.serve({ ...model, name: 'n' });
  await vi.waitFor(async () => expect((await client.models()).map(({ name }) => name).sort()).toEqual(['m', 'n']));
});
