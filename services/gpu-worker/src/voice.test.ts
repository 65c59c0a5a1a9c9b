/** That the end of a batch always fits the broker's messages. */
import {
  type BatchAnswer,
  type BatchDone,
  type Bus,
  batchDone,
  HeaderLines,
  type PublishOptions,
  Subjects,
  unpack,
  type WorkerStatus,
} from '@slackline/shared';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Voice } from './voice.js';

const status: WorkerStatus = {
  v: 1,
  workerId: 'w',
  epoch: 'e',
  deviceClass: 'test',
  executor: 'test',
  host: 'h',
  models: {},
  versions: [],
  slots: 2,
  freeSlots: 1,
  batchId: null,
  draining: false,
};

/** What a voice says of a batch with these answers on a broker with messages of `maxPayloadBytes`. */
function said(answers: BatchAnswer[], maxPayloadBytes: number) {
  const sent: Uint8Array[] = [];
  const bus = { maxPayloadBytes, publish: (_subject: string, data: Uint8Array) => sent.push(data) };
  const voice = new Voice(bus as Partial<Bus> as Bus, new Subjects(''), ['_INBOX.'], { id: 'w', freeSlots: 1, status });
  const command = { v: 1, batchId: 'b', token: 1, epoch: 'e', model: 'm', subnet: 's', queries: [] } as const;
  voice.done({ ...command, queries: [] }, { answers, actuationMs: 0, inferenceMs: 1, heldMs: 1, waitedMs: 0 });
  const [data = new Uint8Array(0)] = sent;
  return { bytes: data.length, answers: shown(unpack('end of a batch', batchDone, data).answers) };
}

/** Answers as the sizes of their outputs, or their errors. */
function shown(answers: BatchDone['answers']) {
  if (!Array.isArray(answers)) return [];
  return answers.map((answer) => ('outputs' in answer ? answer.outputs.length : answer.error));
}

const outputs = (bytes: number) => ({ outputs: new Uint8Array(bytes) });

it('gives up the largest answers only, and no more of them than it must', () => {
  const { answers } = said([outputs(400), outputs(3_000), outputs(600), outputs(2_000)], 4_000);
  expect(answers).toEqual([400, expect.stringContaining('4000'), 600, 2_000]);
});

it('says all answers when they fit', () => {
  const { answers } = said([outputs(1_000), { error: 'broken' }, outputs(2_000)], 4_000);
  expect(answers).toEqual([1_000, 'broken', 2_000]);
});

it('fits the broker’s messages whatever the answers', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2_000), { minLength: 1, maxLength: 16 }), (sizes) => {
      const { bytes, answers } = said(sizes.map(outputs), 4_000);
      expect(bytes).toBeLessThanOrEqual(4_000);
      expect(answers).toHaveLength(sizes.length);
    }),
  );
});

it('refuses in headers that a message can have, whatever the error says', () => {
  const sent: PublishOptions['headers'][] = [];
  const publish = (_subject: string, _data: Uint8Array, { headers = {} }: PublishOptions) => sent.push(headers);
  const voice = new Voice({ publish } as Partial<Bus> as Bus, new Subjects(''), ['_INBOX.'], {
    id: 'w',
    freeSlots: 1,
    status,
  });
  voice.refusal('_INBOX.reply', new Error(`the runtime said:\r\n  ${'x'.repeat(10_000)}`));
  const headers = HeaderLines.of(sent[0] ?? {});
  expect(headers.get('Error-Code')).toBe('executor_failed');
  expect(headers.get('Nats-Service-Error-Code')).toBe('500');
  expect(headers.get('Nats-Service-Error')).toMatch(/^the runtime said: {2,}x{100,400}$/);
});
