import { describe, expect, it } from 'vitest';
import { type Reply, Tally } from './tally.js';

const answer = (fields: Partial<Extract<Reply, { kind: 'answered' }>> = {}): Reply => ({
  kind: 'answered',
  outcome: 'ok',
  subnet: 'large',
  accuracy: 0.92,
  right: true,
  executor: 'cpu',
  ...fields,
});

function tallyAt(startedAtMs = 1_000) {
  return new Tally({ sloMs: 36, startedAtMs });
}

describe('a tally', () => {
  it('counts each query once, by what came back for it', () => {
    const tally = tallyAt();
    const numbers = Array.from({ length: 7 }, () => tally.sent(1_000));
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
      { id: 'small', accuracy: 0.9, answers: 1 },
      { id: 'large', accuracy: 0.92, answers: 1 },
    ]);
  });

  it('judges by the producer’s clock from when a query was due, whatever the outcome says', () => {
    const tally = tallyAt();
    tally.received(tally.sent(1_000), 1_036, answer({ outcome: 'late' }));
    tally.received(tally.sent(1_000), 1_036.1, answer({ outcome: 'ok' }));
    expect(tally.figures(1_100).inTimeByProducer).toBe(1);
  });

  it('measures accuracy over the answers in time, and only where there is something to check', () => {
    const tally = tallyAt();
    tally.received(tally.sent(1_000), 1_001, answer({ accuracy: 0.9, right: true }));
    tally.received(tally.sent(1_000), 1_001, answer({ accuracy: 0.8, right: false }));
    tally.received(tally.sent(1_000), 1_001, answer({ accuracy: 0.5, right: undefined }));
    tally.received(tally.sent(1_000), 1_001, answer({ outcome: 'late', accuracy: 0.1, right: false }));
    const figures = tally.figures(1_100);
    expect(figures.accuracySum).toBeCloseTo(2.2);
    expect(figures.checked).toBe(2);
    expect(figures.right).toBe(1);
  });

  it('puts a query into the half second in which it was due, empty ones included', () => {
    const tally = tallyAt();
    tally.received(tally.sent(1_499), 1_510, answer());
    const late = tally.sent(2_000);
    tally.received(late, 2_600, answer({ outcome: 'late' }));
    tally.received(tally.sent(2_499), 2_501, { kind: 'refused', code: 'overloaded' });
    expect(tally.figures(3_000).windows.map(({ atMs, sent, ok, refused }) => [atMs, sent, ok, refused])).toEqual([
      [0, 1, 1, 0],
      [500, 0, 0, 0],
      [1_000, 2, 0, 1],
    ]);
  });

  it('tells percentiles in milliseconds, within the histogram’s precision', () => {
    const tally = tallyAt();
    for (let ms = 1; ms <= 100; ms++) tally.received(tally.sent(1_000), 1_000 + ms, answer());
    tally.lagged(0);
    tally.lagged(2.5);
    const { latencyMs, lagMs } = tally.figures(2_000);
    expect(latencyMs.p50).toBeCloseTo(50, 0);
    expect(latencyMs.p99).toBeCloseTo(99, 0);
    expect(lagMs.max).toBeCloseTo(2.5, 1);
    expect(tallyAt().figures(1_000).latencyMs).toEqual({ p50: 0, p99: 0 });
  });
});
