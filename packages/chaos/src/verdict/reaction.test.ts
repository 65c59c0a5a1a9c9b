import { describe, expect, it } from 'vitest';
import { done, soundRun, withFaults, withQueries } from '../testing/sound-run.js';
import type { WitnessedBatch } from '../witness/witnessed.js';
import type { Evidence } from './evidence.js';
import { indexOf, reactionTo } from './reaction.js';

const run = soundRun();
const reaction = (evidence: Evidence) => {
  const [fault] = evidence.faults;
  if (fault === undefined) throw new Error('no fault');
  return reactionTo(fault, indexOf(evidence));
};
/** The batches of the run, those from 4,990 ms to the fault without an end. */
const lostAt = (ms: number) => (batch: WitnessedBatch) =>
  batch.atMs >= ms - 20 && batch.atMs < ms ? { ...batch, doneMs: null, runs: 0 } : batch;
const withBatches = (evidence: Evidence, batches: WitnessedBatch[]): Evidence => ({
  ...evidence,
  witnessed: { ...evidence.witnessed, batches },
});

describe('a worker that dies', () => {
  const killed = withFaults(run, done({ atMs: 5_000 }));

  it('is noticed when its queries go elsewhere', () => {
    const lost = run.witnessed.batches.map(lostAt(5_000));
    const again = lost
      .filter(({ doneMs }) => doneMs === null)
      .map((batch, i) => ({ ...batch, id: `again-${i}`, worker: 'w-1', atMs: 5_040 + 10 * i, doneMs: 5_080, runs: 1 }));
    expect(reaction(withBatches(killed, [...lost, ...again]))).toMatchObject({
      ...{ held: 2, redispatched: 2, detectionMs: 40, redispatchMs: 50 },
    });
  });

  it('is noticed when they are given up', () => {
    const batches = run.witnessed.batches.map(lostAt(5_000));
    const expired = withQueries(withBatches(killed, batches), ({ dueMs }) =>
      dueMs === 4_980 || dueMs === 4_990 ? { outcome: 'expired', endedMs: 5_060 } : undefined,
    );
    expect(reaction(expired)).toMatchObject({ held: 2, redispatched: 0, detectionMs: 60, redispatchMs: null });
  });

  it('shows nothing where it held nothing', () => {
    expect(reaction(killed)).toMatchObject({ held: 0, detectionMs: null, redispatchMs: null });
  });
});

describe('a leader that dies', () => {
  const batches = run.witnessed.batches.flatMap((batch) => {
    if (batch.atMs < 5_000) return [batch];
    return batch.atMs < 5_400 ? [] : [{ ...batch, token: 9 }];
  });
  const terms = [...run.witnessed.terms, { token: 9, scheduler: 's-1', atMs: 5_300 }];
  const led = withFaults(run, done({ role: 'scheduler', victim: 'leader' }, { led: true, victim: 's-0' }));

  it('is followed by a lease, a batch under its token, and an answer', () => {
    const evidence = { ...led, witnessed: { ...led.witnessed, batches, terms } };
    expect(reaction(evidence)).toMatchObject({ detectionMs: 300, redispatchMs: 401, servedMs: 420 });
  });

  it('was a standby: there is nothing to see', () => {
    const stood = withFaults(run, done({ role: 'scheduler' }, { led: false }));
    expect(reaction(stood)).toMatchObject({ detectionMs: null, servedMs: null });
  });
});

describe('a broker that dies', () => {
  it('is followed by a batch and an answer once it is back', () => {
    const batches = run.witnessed.batches.filter(({ atMs }) => atMs < 5_000 || atMs > 6_500);
    const fault = done({ role: 'nats' }, { victim: 'nats-server', wholeAtMs: 6_000 });
    const gone = withQueries(withFaults(withBatches(run, batches), fault), ({ dueMs }) =>
      dueMs >= 4_900 && dueMs < 6_500 ? { outcome: 'expired', endedMs: 6_600, accuracy: null } : undefined,
    );
    expect(reaction(gone)).toMatchObject({ redispatchMs: 1_501, servedMs: 1_520 });
  });
});
