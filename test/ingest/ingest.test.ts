/** What ingest lets in, and exactly what it stores. */
import { acceptedQueries, contentTypes, encode, hasCode, headerNames, parseAnswer } from '@slackline/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { type Deployment, model, newDeployment, row } from './deployment.js';

const nats = withNatsServer();
let deployment: Deployment;
beforeEach(async () => {
  deployment = await newDeployment(nats.url);
});
afterEach(() => deployment.close());

const oip = { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }] };
const json = Buffer.from(JSON.stringify(oip));

describe('an accepted query', () => {
  it('lies in the stream with its bytes untouched and exactly the stamped headers', async () => {
    await deployment.ingest();
    const reply = deployment.bus.newInbox();
    deployment.send({ headers: { 'Slo-Ms': '250', 'Query-Id': 'q-1' }, reply });
    await deployment.stored(1);
    const { subject, headers, data } = await deployment.query(1);
    expect(subject).toBe(deployment.subjects.queries('m'));
    expect([...data]).toEqual([...row]);
    const { 'Budget-Ms': budget, ...rest } = headers;
    expect(rest).toEqual({
      'Nats-Msg-Id': 'q-1',
      'Content-Type': 'application/octet-stream',
      'Reply-To': reply,
    });
    expect(budget).toMatch(/^\d+\.\d{3}$/);
    expect(Number(budget)).toBeGreaterThan(0);
    expect(Number(budget)).toBeLessThanOrEqual(250);
  });

  it('whose body is above the bound lies where the scheduler is told of it without, all else the same', async () => {
    await deployment.ingest({ CLAIM_ABOVE_BYTES: String(row.length) });
    deployment.send({ headers: { 'Query-Id': 'small' } });
    deployment.send({ headers: { 'Query-Id': 'large', 'Content-Type': contentTypes.json }, data: json });
    await deployment.stored(2);
    const { stores } = deployment.subjects;
    const [small, large] = [await deployment.query(1), await deployment.query(1, stores.claims)];
    expect([small.subject, large.subject]).toEqual([deployment.subjects.queries('m'), deployment.subjects.claims('m')]);
    expect(large.data).toEqual(json);
    expect(Object.keys(large.headers).sort()).toEqual(Object.keys(small.headers).sort());
  });

  it('carries none of the producer’s headers that are ingest’s to set', async () => {
    await deployment.ingest();
    const forged = {
      'Reply-To': 'queries.m',
      'Budget-Ms': '1e9',
      'Nats-Msg-Id': 'forged',
      'Nats-Expected-Stream': 'X',
    };
    deployment.send({ headers: { ...forged, 'Result-Key': 'job-7', 'Root-Id': 'r-1', Stage: 'detect', Other: 'x' } });
    await deployment.stored(1);
    const { headers } = await deployment.query(1);
    const { 'Budget-Ms': budget, 'Nats-Msg-Id': id, ...rest } = headers;
    expect(rest).toEqual({
      'Content-Type': 'application/octet-stream',
      'Result-Key': 'job-7',
      'Root-Id': 'r-1',
      Stage: 'detect',
    });
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(Number(budget)).toBeLessThanOrEqual(model.sloMs);
  });

  it('without reply and key keeps its answer under its id', async () => {
    await deployment.ingest();
    deployment.send({ headers: { 'Query-Id': 'q-9' } });
    await deployment.stored(1);
    expect((await deployment.query(1)).headers).toMatchObject({ 'Result-Key': 'q-9' });
  });

  it.each([
    ['JSON', json, 'application/json; charset=utf-8', contentTypes.json],
    ['msgpack', encode(oip), 'application/msgpack', contentTypes.msgpack],
  ])('may come in %s', async (_form, data, sent, stamped) => {
    await deployment.ingest();
    deployment.send({ data, headers: { 'Content-Type': sent } });
    await deployment.stored(1);
    const stored = await deployment.query(1);
    expect(stored.headers).toMatchObject({ 'Content-Type': stamped });
    expect(Buffer.from(stored.data).equals(data)).toBe(true);
  });

  it('may have its deadline in the broker’s time', async () => {
    await deployment.ingest();
    const { brokerMs } = await deployment.bus.readClock(deployment.subjects.stores.clock, deployment.subjects.clock);
    deployment.send({ headers: { Deadline: String(Math.round(brokerMs + 30_000)) } });
    await deployment.stored(1);
    const budget = Number((await deployment.query(1)).headers['Budget-Ms']);
    expect(budget).toBeGreaterThan(1_000);
    expect(budget).toBeLessThanOrEqual(30_000);
  });

  it('is counted, once, by one ingest of the group', async () => {
    await deployment.ingest();
    await deployment.ingest();
    const counts = new Map<string, number>();
    for (let n = 0; n < 50; n++) deployment.send();
    await deployment.telemetry((summary) => {
      counts.set(summary.instanceId, summary.accepted);
      return [...counts.values()].reduce((sum, count) => sum + count, 0) === 50;
    });
    expect((await deployment.bus.streamState(deployment.subjects.stores.queries)).lastSequence).toBe(50);
  });
});

describe('a query is refused with a code and a sentence', () => {
  const far = String(Date.now() + 3_600_000);
  const cases: [string, Parameters<Deployment['ask']>[0], string, RegExp][] = [
    ['unknown model', { model: 'n' }, 'unknown_model', /"n"/],
    ['unknown content type', { headers: { 'Content-Type': 'text/plain' } }, 'unsupported_content_type', /text\/plain/],
    ['empty body', { data: new Uint8Array(0) }, 'empty_body', /empty/],
    ['two rows', { data: new Uint8Array(16) }, 'oversized_body', /16 bytes.*8/],
    ['too short a row', { data: new Uint8Array(7) }, 'wrong_input', /7 bytes.*8/],
    ['no JSON', { data: row, headers: { 'Content-Type': 'application/json' } }, 'malformed_body', /JSON/],
    ['Slo-Ms of 0', { headers: { 'Slo-Ms': '0' } }, 'wrong_deadline', /above 0/],
    ['negative Slo-Ms', { headers: { 'Slo-Ms': '-5' } }, 'wrong_deadline', /"-5"/],
    ['Slo-Ms in words', { headers: { 'Slo-Ms': 'soon' } }, 'wrong_deadline', /"soon"/],
    ['Slo-Ms of NaN', { headers: { 'Slo-Ms': 'NaN' } }, 'wrong_deadline', /decimal/],
    ['Slo-Ms of Infinity', { headers: { 'Slo-Ms': 'Infinity' } }, 'wrong_deadline', /decimal/],
    ['Slo-Ms in hexadecimal', { headers: { 'Slo-Ms': '0x10' } }, 'wrong_deadline', /decimal/],
    ['Slo-Ms above the maximum', { headers: { 'Slo-Ms': '60001' } }, 'wrong_deadline', /60000 ms are allowed/],
    ['a deadline in the past', { headers: { Deadline: '1000' } }, 'wrong_deadline', /past/],
    ['a deadline far away', { headers: { Deadline: far } }, 'wrong_deadline', /60000 ms are allowed/],
    ['both limits', { headers: { Deadline: far, 'Slo-Ms': '5' } }, 'wrong_deadline', /both/],
    ['an id with a dot', { headers: { 'Query-Id': 'a.b' } }, 'wrong_header', /Query-Id.*"a.b"/],
    ['an empty id', { headers: { 'Query-Id': '' } }, 'wrong_header', /Query-Id/],
    ['an id of 65 characters', { headers: { 'Query-Id': 'x'.repeat(65) } }, 'wrong_header', /65 characters/],
    ['a key with a wildcard', { headers: { 'Result-Key': '>' } }, 'wrong_header', /Result-Key/],
    ['a root id with a space', { headers: { 'Root-Id': 'a b' } }, 'wrong_header', /Root-Id/],
    ['a stage with a slash', { headers: { Stage: 'a/b' } }, 'wrong_header', /Stage/],
  ];
  it('each of them, and the stream stays empty', async () => {
    await deployment.ingest();
    for (const [what, options, code, sentence] of cases) {
      const answer = parseAnswer(await deployment.ask(options));
      expect(answer, what).toMatchObject({ outcome: 'refused', code });
      expect('message' in answer ? answer.message : '', what).toMatch(sentence);
    }
    expect((await acceptedQueries(deployment.bus, deployment.subjects)).ever).toBe(0);
    const summary = await deployment.telemetry(() => true);
    const refused = Object.values(summary.refused).reduce((sum, count) => sum + count, 0);
    expect(refused).toBe(cases.length);
    expect(summary.refused).toMatchObject({ wrong_deadline: 10, wrong_header: 6 });
  });

  it('in the form of the micro-services of NATS, under its id', async () => {
    await deployment.ingest();
    const { headers, data } = await deployment.ask({ headers: { 'Query-Id': 'q-1', 'Slo-Ms': 'x' } });
    expect(headers.get(headerNames.serviceErrorCode)).toBe('400');
    expect(headers.get(headerNames.queryId)).toBe('q-1');
    expect(JSON.parse(Buffer.from(data).toString())).toEqual({ error: headers.get(headerNames.serviceError) });
  });

  it('in msgpack when it came in msgpack', async () => {
    await deployment.ingest();
    const answer = await deployment.ask({ data: row, headers: { 'Content-Type': contentTypes.msgpack } });
    expect(answer.headers.get(headerNames.contentType)).toBe(contentTypes.msgpack);
    expect(parseAnswer(answer)).toMatchObject({ code: expect.stringMatching(/malformed_body|wrong_input/) });
  });

  it('above the size that is allowed', async () => {
    await deployment.ingest({ MAX_BODY_BYTES: '100' });
    const padded = Buffer.from(JSON.stringify({ ...oip, parameters: { note: 'x'.repeat(100) } }));
    const answer = await deployment.ask({ data: padded, headers: { 'Content-Type': contentTypes.json } });
    expect(parseAnswer(answer)).toMatchObject({ code: 'oversized_body' });
  });

  it('under an id that was used before', async () => {
    await deployment.ingest();
    deployment.send({ headers: { 'Query-Id': 'twin' } });
    await deployment.stored(1);
    const answer = parseAnswer(await deployment.ask({ headers: { 'Query-Id': 'twin' } }));
    expect(answer).toMatchObject({ code: 'duplicate_query', queryId: 'twin', status: 409 });
  });
});

describe('the catalog is followed', () => {
  it('models come, change and go while ingest runs', async () => {
    await deployment.ingest();
    const codeOf = async (data: Uint8Array) => {
      const answer = await deployment.ask({ data, model: 'late', headers: { 'Slo-Ms': 'x' } });
      return answer.headers.get(headerNames.errorCode);
    };
    expect(await codeOf(row)).toBe('unknown_model');
    await deployment.serve({ ...model, name: 'late' });
    await vi.waitFor(async () => expect(await codeOf(row)).toBe('wrong_deadline'));
    await deployment.withdraw('late');
    await vi.waitFor(async () => expect(await codeOf(row)).toBe('unknown_model'));
  });

  it('an entry that cannot be read serves nothing and ends nothing', async () => {
    await deployment.serve({ ...model, name: 'broken', sloMs: -1 });
    await deployment.serve({ ...model, name: 'ragged', inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }] });
    await deployment.ingest();
    for (const name of ['broken', 'ragged']) {
      expect(parseAnswer(await deployment.ask({ model: name }))).toMatchObject({ code: 'unknown_model' });
    }
    deployment.send();
    await deployment.stored(1);
  });
});

describe('a wrong configuration', () => {
  it.each([
    ['ALLOWED_REPLY_PREFIXES', '$JS.'],
    ['ALLOWED_REPLY_PREFIXES', '_INBOX'],
    ['ALLOWED_REPLY_PREFIXES', 'a.>.'],
    ['MAX_SLO_MS', '0'],
    ['MAX_QUEUED', 'many'],
  ])('%s=%s is refused by name', async (name, value) => {
    const started = deployment.ingest({ [name]: value });
    await expect(started).rejects.toSatisfy(
      (error) => hasCode(error, 'invalid_config') && String(error).includes(name),
    );
  });
});
