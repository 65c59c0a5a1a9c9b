import { type Figures, Tally } from '@slackline/load';
import { describe, expect, it } from 'vitest';
import { printResult } from './commands/demo.js';
import { type RunFacts, runDocument, toDocument } from './document.js';
import { failureOf } from './errors.js';
import { summary } from './view/summary.js';

const facts: RunFacts = {
  model: 'fashion',
  warmUpQueries: 50,
  accepted: 3,
  sloMs: 36,
  rate: 100,
  seconds: 1,
  arrivalPattern: 'gamma',
  trace: null,
  burstiness: 0.25,
  seed: 1,
  workers: 2,
  workersLost: 0,
  workerKilledAtMs: null,
  executor: 'cpu',
  policy: 'budgetfit',
  interrupted: false,
};

const query = { model: 0, sloMs: 36, minAccuracy: 0, priority: 'normal' } as const;

function figuresOf(fill: (tally: Tally) => void): Figures {
  const tally = new Tally({ models: ['fashion'], startedAtMs: 0 });
  fill(tally);
  return { ...tally.figures(1_000), duplicates: 0, startedAtMonotonicMs: 0, allSent: true };
}

describe('the document of a run', () => {
  it('divides by what was accepted or refused for overload, not by what came back', () => {
    const figures = figuresOf((tally) => {
      const replied = {
        kind: 'answered',
        subnet: 'a',
        accuracy: 0.9,
        executor: 'x',
        queueMs: 1,
        inferenceMs: 2,
        batchSize: 1,
      } as const;
      tally.received(tally.sent(0, query), 10, { ...replied, outcome: 'ok', right: true });
      tally.received(tally.sent(0, query), 50, { ...replied, outcome: 'late', right: true });
      tally.received(tally.sent(0, query), 1, { kind: 'refused', code: 'overloaded' });
      tally.received(tally.sent(0, query), 1, { kind: 'refused', code: 'wrong_input' });
      tally.sent(0, query);
    });
    const document = toDocument(figures, facts);
    expect(document.attainment).toBe(1 / 4);
    expect(document.producerAttainment).toBe(1 / 4);
    expect(document.profiledAccuracy).toBeCloseTo(0.9);
    expect(document.measuredAccuracy).toBe(1);
    expect(document.unanswered).toBe(1);
    expect(document.refused).toEqual({ overloaded: 1, other: 1 });
    expect(document.refusalCodes).toEqual({ overloaded: 1, wrong_input: 1 });
    expect(summary(document)).toContain('2 refused (1 overloaded, 1 wrong_input), 1 unanswered.');
    expect(runDocument.parse(JSON.parse(JSON.stringify(document)))).toEqual(document);
  });

  it('has no shares where there was no query', () => {
    const document = toDocument(
      figuresOf(() => {}),
      { ...facts, accepted: 0 },
    );
    expect(document).toMatchObject({ attainment: null, profiledAccuracy: null, measuredAccuracy: null, windows: [] });
    expect(() => runDocument.parse(document)).not.toThrow();
  });

  it('of a run without a query served is a failure that says why', () => {
    const figures = figuresOf((tally) => {
      tally.received(tally.sent(0, query), 1, { kind: 'refused', code: 'unreachable_accuracy' });
    });
    const document = toDocument(figures, { ...facts, accepted: 0 });
    const failure = failureOf(thrownBy(() => printResult(document, true)));
    expect(failure).toMatchObject({
      exitCode: 1,
      text: 'all_refused: Every query was refused: 1 unreachable_accuracy.',
      document: { refusalCodes: { unreachable_accuracy: 1 }, error: { code: 'all_refused' } },
    });
  });
});

function thrownBy(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
