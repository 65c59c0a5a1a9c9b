import { describe, expect, it } from 'vitest';
import type { LoadQuery } from './queries.js';
import { recordedOutcomes } from './records.js';
import { type Reply, Tally } from './tally.js';

const answer = (fields: Partial<Extract<Reply, { kind: 'answered' }>> = {}): Reply => ({
  kind: 'answered',
  outcome: 'ok',
  subnet: 'large',
  accuracy: 0.92,
  right: true,
  queueMs: 1,
  inferenceMs: 4,
  batchSize: 3,
  executor: 'cpu',
  ...fields,
});

function tallyAt(startedAtMs = 1_000, records = false) {
  const tally = new Tally({ models: ['fashion', 'cars'], startedAtMs, records });
  const query: LoadQuery = { model: 0, sloMs: 36, minAccuracy: 0, priority: 'normal' };
  const sent = (dueAtMs: number, fields: Partial<LoadQuery> = {}) => tally.sent(dueAtMs, { ...query, ...fields });
  return { tally, sent };
}

describe('a tally', () => {
  it('counts each query once, by what came back for it', () => {
    const { tally, sent } = tallyAt();
    const numbers = Array.from({ length: 7 }, () => sent(1_000));
    const replies: Reply[] = [
      answer(),
      answer({ outcome: 'late', subnet: 'small', accuracy: 0.9 }),
      { kind: 'dropped', outcome: 'expired' },
      { kind: 'dropped', outcome: 'failed' },
      { kind: 'refused', code: 'overloaded' },
      { kind: 'refused', code: 'no_responders' },
    ];
    replies.forEach((reply, i) => {
      tally.received(numbers[i] ?? -1, 1_010, reply);
    });
    const figures = tally.figures(1_020);
    expect(figures.published).toBe(7);
    expect(figures.outcomes).toEqual({ ok: 1, late: 1, expired: 1, failed: 1 });
    expect(figures.refused).toEqual({ overloaded: 1, other: 1 });
    expect(figures.refusalCodes).toEqual({ overloaded: 1, no_responders: 1 });
    expect(figures.unanswered).toBe(1);
    expect(figures.elapsedMs).toBe(20);
    expect(figures.subnets).toEqual([
      { model: 'fashion', id: 'small', accuracy: 0.9, answers: 1 },
      { model: 'fashion', id: 'large', accuracy: 0.92, answers: 1 },
    ]);
  });

  it('judges by the producer’s clock from when a query was due, whatever the outcome says', () => {
    const { tally, sent } = tallyAt();
    tally.received(sent(1_000), 1_036, answer({ outcome: 'late' }));
    tally.received(sent(1_000), 1_036.1, answer({ outcome: 'ok' }));
    expect(tally.figures(1_100).inTimeByProducer).toBe(1);
  });

  it('measures accuracy over the answers in time, and only where there is something to check', () => {
    const { tally, sent } = tallyAt();
    tally.received(sent(1_000), 1_001, answer({ accuracy: 0.9, right: true }));
    tally.received(sent(1_000), 1_001, answer({ accuracy: 0.8, right: false }));
    tally.received(sent(1_000), 1_001, answer({ accuracy: 0.5, right: undefined }));
    tally.received(sent(1_000), 1_001, answer({ outcome: 'late', accuracy: 0.1, right: false }));
    const figures = tally.figures(1_100);
    expect(figures.accuracySum).toBeCloseTo(2.2);
    expect(figures.checked).toBe(2);
    expect(figures.right).toBe(1);
  });

  it('puts a query into the half second in which it was due, empty ones included', () => {
    const { tally, sent } = tallyAt();
    tally.received(sent(1_499), 1_510, answer());
    const late = sent(2_000);
    tally.received(late, 2_600, answer({ outcome: 'late' }));
    tally.received(sent(2_499), 2_501, { kind: 'refused', code: 'overloaded' });
    expect(tally.figures(3_000).windows.map(({ atMs, sent, ok, refused }) => [atMs, sent, ok, refused])).toEqual([
      [0, 1, 1, 0],
      [500, 0, 0, 0],
      [1_000, 2, 0, 1],
    ]);
  });

  it('tells percentiles in milliseconds, within the histogram’s precision', () => {
    const { tally, sent } = tallyAt();
    for (let ms = 1; ms <= 100; ms++) tally.received(sent(1_000), 1_000 + ms, answer());
    tally.lagged(0);
    tally.lagged(2.5);
    const { latencyMs, lagMs } = tally.figures(2_000);
    expect(latencyMs.p50).toBeCloseTo(50, 0);
    expect(latencyMs.p99).toBeCloseTo(99, 0);
    expect(lagMs.max).toBeCloseTo(2.5, 1);
    expect(tallyAt().tally.figures(1_000).latencyMs).toEqual({ p50: 0, p99: 0, p999: 0 });
  });

  it('counts models and classes apart, and the answers that are worse than what was asked for', () => {
    const { tally, sent } = tallyAt();
    tally.received(sent(1_000, { priority: 'low' }), 1_010, { kind: 'dropped', outcome: 'expired' });
    tally.received(sent(1_000, { priority: 'high', minAccuracy: 0.92 }), 1_010, answer());
    tally.received(sent(1_000, { model: 1, minAccuracy: 0.93 }), 1_010, answer());
    const { groups, belowMinimum, subnets } = tally.figures(1_020);
    expect(groups.map(({ model, priority, outcomes }) => [model, priority, outcomes.ok, outcomes.expired])).toEqual([
      ['fashion', 'low', 0, 1],
      ['fashion', 'high', 1, 0],
      ['cars', 'normal', 1, 0],
    ]);
    expect(belowMinimum).toBe(1);
    expect(subnets.map(({ model, id }) => [model, id])).toEqual([
      ['fashion', 'large'],
      ['cars', 'large'],
    ]);
  });

  it('keeps when the producer had no connection', () => {
    const { tally } = tallyAt(1_000, true);
    tally.connection(false, 1_100);
    tally.connection(true, 1_250);
    tally.connection(false, 1_900);
    expect(tally.records()?.gaps).toEqual([
      { fromMs: 100, untilMs: 250 },
      { fromMs: 900, untilMs: Number.NaN },
    ]);
  });

  it('keeps what became of every query where it is asked to, however many they are', () => {
    const { tally, sent } = tallyAt(1_000, true);
    const count = 10_000;
    for (let i = 0; i < count; i++) sent(1_000 + i, { model: i % 2, priority: 'high' });
    for (let i = 0; i < count; i += 2) tally.received(i, 1_000 + i + 5, answer());
    tally.received(1, 1_002, { kind: 'refused', code: 'overloaded' });
    const records = tally.records();
    expect(records?.dueMs).toEqual(Float64Array.from({ length: count }, (_, i) => i));
    expect(Array.from(records?.outcome.subarray(0, 4) ?? [], (index) => recordedOutcomes[index])).toEqual([
      'ok',
      'refused',
      'ok',
      'unanswered',
    ]);
    expect([...(records?.latencyMs.subarray(0, 2) ?? [])]).toEqual([5, Number.NaN]);
    expect([...(records?.inferenceMs.subarray(0, 2) ?? [])]).toEqual([4, Number.NaN]);
    expect([...(records?.batchSize.subarray(0, 2) ?? [])]).toEqual([3, 0]);
    expect([...(records?.subnet.subarray(0, 2) ?? [])]).toEqual([0, -1]);
    expect(records?.subnets).toEqual([{ model: 'fashion', id: 'large', accuracy: 0.92 }]);
    expect(tallyAt().tally.records()).toBeUndefined();
  });
});
