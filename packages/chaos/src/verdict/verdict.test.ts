/** A verdict is only worth something if it can be lost: each promise is broken on purpose. */
import { describe, expect, it } from 'vitest';
import { done, soundRun, withFaults, withQueries } from '../testing/sound-run.js';
import type { Evidence } from './evidence.js';
import { readHypothesis } from './hypothesis.js';
import { verdictOn } from './verdict.js';

const invariant = (evidence: Evidence, index: number) => {
  const verdict = verdictOn(evidence, []);
  const found = verdict.invariants[index];
  if (found === undefined) throw new Error(`there is no invariant ${index}`);
  return { ...found, text: found.evidence.join('; '), verdict: verdict.verdict };
};
const run = soundRun();

describe('a sound run', () => {
  it('passes, and nothing is tested that it did not show', () => {
    const { verdict, invariants, metrics } = verdictOn(run, []);
    expect(verdict).toBe('pass');
    expect(invariants.map(({ state }) => state)).toEqual(['pass', 'pass', 'untested', 'untested']);
    expect(metrics).toMatchObject({
      published: 1_000,
      accepted: 1_000,
      attainment: 1,
      lost: 0,
      accuracyDrop: 0,
      rate: 100,
    });
  });

  it('fails by a hypothesis alone', () => {
    expect(verdictOn(run, [readHypothesis('attainment>1')]).verdict).toBe('fail');
  });
});

describe('exactly one outcome', () => {
  const unanswered = withQueries(run, (_, i) =>
    i === 3 ? { outcome: 'unanswered', endedMs: null, replies: 0 } : undefined,
  );

  it('fails where what the stream stored got none', () => {
    expect(invariant(unanswered, 0)).toMatchObject({ state: 'fail', verdict: 'fail' });
    expect(invariant(unanswered, 0).text).toContain('1 accepted and lost (published: q-3)');
  });

  it('does not where it was said while the producer had no connection, and the witness heard it; both are needed', () => {
    const outcomes = new Map([['q-3', 60]]);
    const heard = { ...unanswered, witnessed: { ...unanswered.witnessed, outcomes } };
    const [away, later] = [[{ fromMs: 40, untilMs: 900 }], [{ fromMs: 70, untilMs: 900 }]];
    expect(invariant({ ...heard, gaps: away }, 0).state).toBe('pass');
    expect(invariant({ ...heard, gaps: away }, 0).text).toContain('the witness heard them: q-3');
    expect(invariant({ ...heard, gaps: [{ fromMs: 40, untilMs: Number.NaN }] }, 0).state).toBe('pass');
    expect(invariant({ ...heard, gaps: later }, 0).state).toBe('fail');
    expect(invariant({ ...heard, gaps: [{ fromMs: 0, untilMs: 20 }] }, 0).state).toBe('fail');
    // It was back when the outcome was said.
    expect(invariant({ ...heard, gaps: [{ fromMs: 40, untilMs: 50 }] }, 0).state).toBe('fail');
    expect(invariant({ ...unanswered, gaps: away }, 0).state).toBe('fail');
    const another = withQueries({ ...heard, gaps: away }, (_, i) =>
      i === 4 ? { outcome: 'unanswered', endedMs: null, replies: 0 } : undefined,
    );
    expect(invariant(another, 0).text).toContain('1 accepted and lost (published: q-4)');
  });

  it('does not where it was never stored: the producer was told nothing, and nothing was promised', () => {
    const stream = { stored: 999, left: 0 };
    expect(invariant({ ...unanswered, stream }, 0).state).toBe('pass');
  });

  it('fails where nothing was accepted, or the broker cannot be asked at the end: that shows nothing', () => {
    const refused = withQueries(run, () => ({ outcome: 'refused', accuracy: null }));
    expect(invariant({ ...refused, stream: { stored: 0, left: 0 } }, 0).text).toContain('nothing was accepted');
    expect(invariant({ ...refused, stream: { stored: 0, left: 0 } }, 0).state).toBe('fail');
    expect(invariant({ ...run, stream: { stored: null, left: null } }, 0).state).toBe('fail');
  });

  it('goes by the witness where the broker forgot, or others sent too', () => {
    const forgotten = { ...unanswered, stream: { stored: null, left: 0 } };
    expect(invariant(forgotten, 0).text).toContain('accepted 1000 (by the witness)');
    expect(invariant(forgotten, 0).state).toBe('fail');
    const queries = new Map([...run.witnessed.queries, ['theirs', 10]]);
    const shared = { ...run, witnessed: { ...run.witnessed, queries }, stream: { stored: 1_001, left: 0 } };
    expect(invariant(shared, 0).state).toBe('pass');
  });

  it('fails by an outcome for what was never accepted', () => {
    const queries = new Map([...run.witnessed.queries].filter(([id]) => id !== 'q-9'));
    const phantom = { ...run, witnessed: { ...run.witnessed, queries } };
    expect(invariant(phantom, 0).text).toContain('never published to the stream: q-9');
    expect(invariant(phantom, 0).state).toBe('fail');
    expect(invariant({ ...run, stream: { stored: 990, left: 0 } }, 0).state).toBe('fail');
    // Who was not there to hear it cannot say so.
    const gaps = [{ fromMs: 50, untilMs: 60 }];
    expect(invariant({ ...phantom, witnessed: { ...phantom.witnessed, gaps } }, 0).state).toBe('pass');
  });

  it('fails where the stream still holds some, and where a refused one was served too', () => {
    expect(invariant({ ...run, stream: { stored: 1_000, left: 2 } }, 0).state).toBe('fail');
    const repeats = [{ id: 'q-1', outcome: 'refused' as const, atMs: 50 }];
    expect(invariant({ ...run, repeats }, 0).text).toContain('refused, and an outcome too: q-1');
  });
});

describe('no visible duplicate', () => {
  it('fails where a producer was told twice', () => {
    const twice = withQueries(run, (_, i) => (i === 5 ? { replies: 2 } : undefined));
    expect(invariant(twice, 1)).toMatchObject({ state: 'fail', verdict: 'fail' });
    expect(verdictOn(twice, []).metrics.duplicatesVisible).toBe(1);
  });

  it('counts what ran twice, which is no fault', () => {
    const again = run.witnessed.batches
      .slice(0, 3)
      .map((batch) => ({ ...batch, id: `${batch.id}-again`, worker: 'w-1' }));
    const batches = [...run.witnessed.batches, ...again];
    const { verdict, metrics } = verdictOn({ ...run, witnessed: { ...run.witnessed, batches } }, []);
    expect(metrics).toMatchObject({ dispatchedTwice: 3, executedTwice: 3, duplicatesVisible: 0 });
    expect(verdict).toBe('pass');
  });

  it('allows a second answer on the wire only where a leader or the broker was hit', () => {
    const repeats = [{ id: 'q-1', outcome: 'ok' as const, atMs: 50 }];
    expect(invariant({ ...run, repeats }, 1).state).toBe('fail');
    expect(invariant(withFaults({ ...run, repeats }, done({ role: 'scheduler' })), 1).state).toBe('pass');
    expect(invariant(withFaults({ ...run, repeats }, done({ role: 'worker' })), 1).state).toBe('fail');
  });
});

describe('going on after a fault', () => {
  it('fails where a fault could not be done, or was left out', () => {
    const failed = withFaults(run, done({}, { error: 'no proxy' }));
    expect(invariant(failed, 2)).toMatchObject({ state: 'fail', verdict: 'fail' });
    expect(invariant({ ...withFaults(run, done({})), faults: [] }, 2).state).toBe('fail');
  });

  it('fails where attainment never came back', () => {
    const dead = withQueries(withFaults(run, done({})), ({ dueMs }) =>
      dueMs > 5_000 ? { outcome: 'expired' } : undefined,
    );
    expect(invariant(dead, 2).text).toContain('attainment never came back');
  });
});

describe('accuracy before attainment', () => {
  const killed = withFaults(run, done({ restoreMs: 2_000 }, { wholeAtMs: 7_000 }));
  const during = (dueMs: number) => dueMs >= 5_000 && dueMs < 7_000;

  it('passes where accuracy steps down and comes back', () => {
    const bent = withQueries(killed, ({ dueMs }) => (during(dueMs) ? { accuracy: 0.75 } : undefined));
    expect(invariant(bent, 3)).toMatchObject({ state: 'pass' });
  });

  it('fails where attainment gave way and accuracy did not', () => {
    const rigid = withQueries(killed, ({ dueMs }, i) =>
      during(dueMs) && i % 5 === 0 ? { outcome: 'late' } : undefined,
    );
    expect(invariant(rigid, 3)).toMatchObject({ state: 'fail', verdict: 'fail' });
    // Below the smallest subnet there is nothing left to give.
    expect(invariant({ ...rigid, floorAccuracy: 0.8 }, 3).state).toBe('pass');
  });

  it('says in numbers why there is too little to tell', () => {
    const sparse = { ...killed, queries: killed.queries.filter((_, i) => i % 10 === 0) };
    expect(invariant(sparse, 3).state).toBe('untested');
    expect(invariant(sparse, 3).text).toMatch(
      /needs 1 s and 50 queries, 500 ms after every change not counted; of 1 fault .* 4\.9 s with 49 queries before it and 1\.4 s with 14 queries while/,
    );
    expect(invariant(run, 3).text).toContain('no fault took a worker away');
  });

  it('fails where nothing at all was answered meanwhile', () => {
    const silent = withQueries(killed, ({ dueMs }) =>
      during(dueMs) ? { outcome: 'expired', accuracy: null } : undefined,
    );
    expect(invariant(silent, 3)).toMatchObject({ state: 'fail' });
    expect(invariant(silent, 3).text).toContain('no answer at all');
  });

  it('fails where accuracy stays down although the worker is back', () => {
    const stuck = withQueries(killed, ({ dueMs }) => (dueMs >= 5_000 ? { accuracy: 0.75 } : undefined));
    expect(invariant(stuck, 3).state).toBe('fail');
  });
});
