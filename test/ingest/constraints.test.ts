/** What queries ask of how they are served: checked once at the door, stamped on what is stored, said by the client. */
import { SlacklineClient } from '@slackline/client';
import { acceptedQueries, connectBus, contentTypes, encode, parseAnswer } from '@slackline/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { type Deployment, model, newDeployment, row } from './deployment.js';

const nats = withNatsServer();
let deployment: Deployment;
beforeEach(async () => {
  deployment = await newDeployment(nats.url);
  const subnets = [
    { id: 'small', accuracy: 0.7 },
    { id: 'large', accuracy: 0.9 },
  ];
  await deployment.serve({ ...model, subnets });
  await deployment.ingest();
});
afterEach(() => deployment.close());

const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }];
const request = (parameters?: unknown) => ({ inputs, ...(parameters !== undefined && { parameters }) });
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

/** What is stamped on the only query that is stored. */
async function stamped(): Promise<(string | undefined)[]> {
  await deployment.stored(1);
  const { headers } = await deployment.query(1);
  return [headers['Min-Accuracy'], headers.Priority];
}

describe('an accepted query', () => {
  const { json: inJson, msgpack } = contentTypes;
  it.each([
    ['nothing', {}, row, [undefined, undefined]],
    ['headers', { 'Min-Accuracy': '0.9', Priority: 'high' }, row, ['0.9', 'high']],
    [
      'parameters in JSON',
      { 'Content-Type': inJson },
      json(request({ min_accuracy: 0.7, priority: 3 })),
      ['0.7', 'low'],
    ],
    [
      'parameters in msgpack',
      { 'Content-Type': msgpack },
      encode(request({ min_accuracy: 0.8, priority: 'high' })),
      ['0.8', 'high'],
    ],
    [
      'both: the header counts',
      { 'Content-Type': inJson, 'Min-Accuracy': '0.1' },
      json(request({ min_accuracy: 0.8, priority: 'low' })),
      ['0.1', 'low'],
    ],
    ['parameters of others', { 'Content-Type': inJson }, json(request({ sequence_id: 7 })), [undefined, undefined]],
  ])('carries what was asked with %s', async (_how, headers, data, expected) => {
    deployment.send({ headers, data });
    expect(await stamped()).toEqual(expected);
  });

  it('carries what the client was told', async () => {
    const client = new SlacklineClient(await connectBus({ url: nats.url, name: 'client' }), {
      prefix: deployment.subjects.prefix,
    });
    client.publish('m', new Float32Array([1, 2]), { minAccuracy: 0.75, priority: 'low' });
    expect(await stamped()).toEqual(['0.75', 'low']);
    await client.close();
  });
});

describe('a query is refused with a sentence that says what to do', () => {
  it.each([
    ['no number', { 'Min-Accuracy': 'best' }, row, 'wrong_constraint', /Min-Accuracy is "best".*from 0 to 1/],
    ['a number above 1', { 'Min-Accuracy': '90' }, row, 'wrong_constraint', /must be a number from 0 to 1/],
    ['no class', { Priority: 'urgent' }, row, 'wrong_constraint', /"urgent", but must be low, normal or high/],
    [
      'a minimum that no subnet reaches',
      { 'Min-Accuracy': '0.91' },
      row,
      'unreachable_accuracy',
      /0\.91 at least, and the best subnet of m, large, has 0\.9: ask for less/,
    ],
    [
      'the same in the body',
      { 'Content-Type': contentTypes.json },
      json(request({ min_accuracy: 0.91 })),
      'unreachable_accuracy',
      /large/,
    ],
    [
      'a wrong parameter',
      { 'Content-Type': contentTypes.json },
      json(request({ priority: 9 })),
      'wrong_constraint',
      /parameter priority is 9/,
    ],
    [
      'parameters that are a list',
      { 'Content-Type': contentTypes.json },
      json(request([1])),
      'malformed_body',
      /"parameters"/,
    ],
  ])('%s', async (_what, headers, data, code, sentence) => {
    const answer = parseAnswer(await deployment.ask({ headers, data }));
    expect(answer).toMatchObject({ outcome: 'refused', code, status: 400, message: expect.stringMatching(sentence) });
    const { bus, subjects } = deployment;
    expect((await acceptedQueries(bus, subjects)).ever).toBe(0);
  });
});
