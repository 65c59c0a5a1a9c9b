import { describe, expect, it } from 'vitest';
import { type AnswerFacts, type FramedMessage, frameAnswer, frameError, parseAnswer } from './answers.js';
import { decode } from './codec.js';
import { SlacklineError } from './errors.js';
import { contentTypes, HeaderLines } from './headers.js';
import { decodeOutputs, encodeOutputs } from './outputs.js';

const facts: AnswerFacts = {
  queryId: 'q-1',
  model: 'fashion',
  outcome: 'ok',
  subnet: 'w64-d2',
  accuracy: 0.915,
  batchSize: 8,
  queueMs: 1.23456,
  inferenceMs: 4,
  deadlineMet: true,
  executor: 'cpu',
};
const outputs = [
  { metadata: { name: 'scores', datatype: 'FP32', shape: [-1, 3] }, data: new Float32Array([0.5, -1, 2]) },
  { metadata: { name: 'label', datatype: 'INT64', shape: [-1] }, data: new BigInt64Array([2n]) },
] as const;
const rows = outputs.map(({ metadata, data }) => ({ metadata: { ...metadata, shape: [...metadata.shape] }, data }));

/** A framed message as it arrives. */
const arrived = ({ headers, data }: FramedMessage) => ({ headers, data });

const response = {
  model_name: 'fashion',
  id: 'q-1',
  parameters: {
    outcome: 'ok',
    subnet: 'w64-d2',
    accuracy: 0.915,
    batch_size: 8,
    queue_ms: 1.235,
    inference_ms: 4,
    deadline_met: true,
  },
};

describe('an answer', () => {
  it.each(Object.values(contentTypes))('says all of itself in its headers, in %s', (contentType) => {
    const framed = frameAnswer(contentType, facts, encodeOutputs(contentType, rows));
    const { body, ...rest } = { body: new Uint8Array(0), ...parseAnswer(arrived(framed)) };
    const { model: _, ...said } = facts;
    expect(rest).toEqual({ ...said, queueMs: 1.235, contentType });
    const decoded = decodeOutputs(
      contentType,
      body,
      rows.map((row) => row.metadata),
    );
    expect(decoded.map((output) => output.data)).toEqual(rows.map((row) => row.data));
  });

  it('in JSON is a response of the Open Inference Protocol', () => {
    const { data } = frameAnswer(contentTypes.json, facts, encodeOutputs(contentTypes.json, rows));
    expect(JSON.parse(Buffer.from(data).toString())).toEqual({
      ...response,
      outputs: [
        { name: 'scores', datatype: 'FP32', shape: [1, 3], data: [0.5, -1, 2] },
        { name: 'label', datatype: 'INT64', shape: [1], data: [2] },
      ],
    });
  });

  it('in msgpack is the same map', () => {
    const { data } = frameAnswer(contentTypes.msgpack, facts, encodeOutputs(contentTypes.msgpack, rows));
    expect(decode(data)).toMatchObject({ ...response, outputs: [{ name: 'scores' }, { name: 'label' }] });
  });

  it('in raw bytes is the outputs themselves', () => {
    const bytes = encodeOutputs(contentTypes.bytes, rows);
    expect(frameAnswer(contentTypes.bytes, facts, bytes).data).toBe(bytes);
  });

  it('can carry any names without breaking its frame', () => {
    const odd = { ...facts, subnet: 'a"b\r\nDeadline-Met: no\\é', model: 'm"' };
    const { headers, data } = frameAnswer(contentTypes.json, odd, encodeOutputs(contentTypes.json, rows));
    expect(JSON.parse(Buffer.from(data).toString()).parameters.subnet).toBe(odd.subnet);
    const lines = headers.text.split('\r\n');
    expect(lines).toHaveLength(11);
    for (const each of lines) expect(each).not.toMatch(/\p{Cc}/u);
    expect(headers.get('Subnet')).toBe('a"b Deadline-Met: no\\é');
    expect(headers.get('Deadline-Met')).toBe('true');
  });
});

describe('an error', () => {
  it('refuses with a code, a sentence and a status', () => {
    const error = new SlacklineError('overloaded', 'The queue of accepted queries is full');
    const framed = frameError(contentTypes.bytes, error, { queryId: 'q-1', retryAfterMs: 99.5 });
    expect(framed.headers).toEqual(
      HeaderLines.of({
        'Content-Type': 'application/json',
        'Error-Code': 'overloaded',
        'Nats-Service-Error': error.message,
        'Nats-Service-Error-Code': '503',
        'Query-Id': 'q-1',
        'Retry-After-Ms': '100',
      }),
    );
    expect(JSON.parse(Buffer.from(framed.data).toString())).toEqual({ error: error.message });
    expect(parseAnswer(arrived(framed))).toEqual({
      outcome: 'refused',
      queryId: 'q-1',
      code: 'overloaded',
      message: error.message,
      status: 503,
      retryAfterMs: 100,
    });
  });

  it('of an accepted query carries its outcome', () => {
    const error = new SlacklineError('expired', 'The deadline could no longer be met');
    const framed = frameError(contentTypes.msgpack, error, { queryId: 'q-2', outcome: 'expired' });
    expect(decode(framed.data)).toEqual({ error: error.message });
    expect(parseAnswer(arrived(framed))).toMatchObject({
      outcome: 'expired',
      code: 'expired',
      queryId: 'q-2',
      status: 504,
    });
  });

  it('with a long sentence full of control characters still fits into a header', () => {
    const error = new SlacklineError('wrong_input', `a\r\nb\0${'x'.repeat(2_000)}`);
    const framed = frameError(contentTypes.json, error, {});
    expect(framed.headers.get('Nats-Service-Error')).toMatch(/^\P{Cc}{1,300}$/u);
    expect(parseAnswer(arrived(framed))).toMatchObject({ message: error.message, queryId: undefined });
  });
});

describe('what is no answer', () => {
  it.each([
    ['nothing', {}],
    ['an outcome that is none of ours', { Outcome: 'fine' }],
    ['a failure without a reason', { Outcome: 'failed' }],
  ])('%s is refused', (_what, headers: Record<string, string>) => {
    expect(() => parseAnswer(arrived({ headers: HeaderLines.of(headers), data: new Uint8Array(0) }))).toThrow(
      expect.objectContaining({ code: 'bad_message' }),
    );
  });
});
