import type { RawAnswer } from '@slackline/client';
import { describe, expect, it } from 'vitest';
import { endedOf, Ledger, type OpenQuery } from './ledger.js';

const query = (id: string, more: Partial<OpenQuery> = {}): OpenQuery => ({
  ...{ id, minAccuracy: 0, wrong: undefined, absolute: false },
  ...more,
});
const served = (queryId: string, accuracy = 0.8): RawAnswer => ({
  ...{ queryId, roundTripMs: 1, outcome: 'ok', subnet: 'a', accuracy, batchSize: 1, queueMs: 0, inferenceMs: 1 },
  ...{ deadlineMet: true, executor: 'emulated', contentType: '', body: new Uint8Array(0) },
});
const refused = (queryId: string, code: string): RawAnswer => ({
  ...{ queryId, roundTripMs: 1, outcome: 'refused', code, message: '', status: 400, retryAfterMs: undefined },
});
const unanswered = (queryId: string, connectionLost: boolean): RawAnswer => ({
  ...{ queryId, roundTripMs: 1, outcome: 'unanswered', connectionLost },
});

describe('the books of a soak', () => {
  it('count a query once, and complain of a second end', () => {
    const ledger = new Ledger();
    ledger.sent(query('a'));
    ledger.told('a', served('a'));
    ledger.told('a', served('a'));
    const books = ledger.close();
    expect([endedOf(books), books.duplicatesVisible, books.unanswered]).toEqual([1, 1, 0]);
    expect(ledger.complaints).toHaveLength(1);
  });

  it('settle what a producer left behind by what was seen on the wire', () => {
    const ledger = new Ledger();
    for (const id of ['answered', 'silent']) ledger.sent(query(id));
    ledger.abandon(['answered', 'silent']);
    ledger.published('answered', 'late');
    const books = ledger.close();
    expect(books.outcomes.late).toBe(1);
    expect(books.unanswered).toBe(1);
  });

  it('tell an outcome that was said while its producer was cut off from one that should have been told', () => {
    let nowMs = 0;
    const ledger = new Ledger(() => nowMs);
    for (const id of ['cut off', 'connected', 'just now']) ledger.sent(query(id));
    for (const id of ['cut off', 'connected']) ledger.published(id, 'ok');
    nowMs = 4_000;
    ledger.published('just now', 'ok');
    nowMs = 4_500;
    ledger.abandon(['cut off', 'connected', 'just now']);
    ledger.told('cut off', unanswered('cut off', true));
    for (const id of ['connected', 'just now']) ledger.told(id, unanswered(id, false));
    expect(ledger.close()).toMatchObject({ outcomes: { ok: 3 }, missed: 1, unanswered: 0 });
    expect(ledger.complaints).toEqual([expect.stringContaining('query connected came to ok')]);
  });

  it('do not take the wire’s word for a producer that is still there', () => {
    const ledger = new Ledger();
    ledger.sent(query('lost on its way'));
    ledger.published('lost on its way', 'ok');
    expect(ledger.close()).toMatchObject({ unanswered: 1, outcomes: { ok: 0 } });
  });

  it('take refusals of wrong queries, and of good ones only while something is away', () => {
    const ledger = new Ledger();
    const cases: [OpenQuery, string, number][] = [
      [query('wrong', { wrong: 'unknown_model' }), 'unknown_model', 0],
      [query('away'), 'unavailable', 0],
      [query('too late', { absolute: true }), 'wrong_deadline', 0],
      [query('other code', { wrong: 'unknown_model' }), 'empty_body', 1],
      [query('for nothing'), 'unknown_model', 2],
    ];
    for (const [asked, code, complaints] of cases) {
      ledger.sent(asked);
      ledger.told(asked.id, refused(asked.id, code));
      expect(ledger.complaints, asked.id).toHaveLength(complaints);
    }
  });

  it('complain of a wrong query that was served, and of an answer below the accuracy that was asked for', () => {
    const ledger = new Ledger();
    ledger.sent(query('wrong', { wrong: 'empty_body' }));
    ledger.told('wrong', served('wrong'));
    ledger.sent(query('floor', { minAccuracy: 0.9 }));
    ledger.told('floor', served('floor', 0.8));
    expect(ledger.complaints).toHaveLength(2);
  });

  it('tell stored answers that are read twice, and outcomes that are published twice', () => {
    const ledger = new Ledger();
    ledger.sentForStorage();
    ledger.read('s', 'ok');
    ledger.read('s', 'ok');
    ledger.published('p', 'ok');
    ledger.published('p', 'expired');
    expect(ledger.close()).toMatchObject({ stored: 1, duplicatesVisible: 1, secondAnswers: 1 });
  });
});

it('counts a stored answer once, read or not', () => {
  const ledger = new Ledger();
  for (const id of ['read', 'too old']) {
    ledger.sentForStorage();
    ledger.shelved(id, 'expired');
  }
  ledger.read('read', 'expired');
  expect(ledger.close()).toMatchObject({ stored: 2, unread: 1, outcomes: { expired: 2 } });
});
