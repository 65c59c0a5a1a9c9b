/**
 * A small pool of real processes that is offered many times what it can carry: it goes on carrying what it can, says no at once to the
 * rest, lowest class first, and is itself again when that is over. In full size: `npm run experiments -- overload`.
 */
import type { Serving } from '@slackline/cli';
import { type Figures, Load, type Records, recordedOutcomes } from '@slackline/load';
import { defaultPolicy } from '@slackline/scheduling';
import { type Phase, priorityNames, spansOf, type Trace, traceOfPhases } from '@slackline/traces';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveEmulated, slowedV100 } from './devices.js';
import { because, reasonToSkip } from './slackline.js';

/** Two workers that carry 56 queries a second on the smallest subnet, in batches of 16 that take 0.57 s. */
const timesSlower = 80;
const workers = 2;
const bound = (workers * 16_000) / (7.12 * timesSlower);
const sloMs = 1_500;
/** A loaded machine; the figure holds to 0.9 on a quiet one. */
const leastShare = 0.75;
const limitMs = 90_000;
type Class = (typeof priorityNames)[number];

/** The loads, in multiples of what can be carried. */
const overload = [phase('calm', 2, 0.5), phase('overload', 8, 20), phase('calm again', 5, 0.5)];

/** Of what can be carried the higher classes have as much each: together they fit. */
function phase(name: string, seconds: number, times: number): Phase {
  const higher = 0.3 * Math.min(1, times) * bound;
  return { name, seconds, rates: { low: times * bound - 2 * higher, normal: higher, high: higher } };
}

interface Ended {
  dueMs: number;
  class: Class;
  outcome: (typeof recordedOutcomes)[number];
  /** From being sent to being told anything. */
  tookMs: number;
}

function endedOf(records: Records): Ended[] {
  return Array.from(records.dueMs, (dueMs, i) => ({
    dueMs,
    class: priorityNames[records.priority[i] ?? 1] ?? 'normal',
    outcome: recordedOutcomes[records.outcome[i] ?? 0] ?? 'unanswered',
    tookMs: (records.endedMs[i] ?? Number.NaN) - (records.sentMs[i] ?? Number.NaN),
  }));
}

describe.skipIf(reasonToSkip !== undefined)(`a pool that is offered twenty times what it can carry${because}`, () => {
  let serving: Serving;
  let figures: Figures;
  let queries: Ended[];
  const [, { fromMs, toMs } = { fromMs: 0, toMs: 0 }] = spansOf(overload);

  beforeAll(async () => {
    const table = await slowedV100('imagenet', 'slow', timesSlower, sloMs);
    serving = await serveEmulated([table], [{ deviceClass: 'slow', count: workers }], defaultPolicy);
    await sent(traceOfPhases([phase('warm-up', 3, 0.5)], 1));
    figures = await sent(traceOfPhases(overload, 1));
    if (figures.records === undefined) throw new Error('there are no records');
    queries = endedOf(figures.records);
  }, limitMs);
  afterAll(() => serving?.stop());

  function sent(arrivals: Trace): Promise<Figures> {
    const { system, subjects, model } = serving;
    const to = { natsUrl: system.natsUrl, subjectPrefix: subjects.prefix, models: [{ entry: model, sloMs }] };
    return new Load({ ...to, arrivals, records: true }, () => {}).done;
  }

  const during = () => queries.filter(({ dueMs }) => dueMs >= fromMs && dueMs < toMs);

  it('tells every query what became of it, once, and loses none', () => {
    const { ok, late, expired, failed } = figures.outcomes;
    expect(ok + late + expired + failed + figures.refused.overloaded).toBe(figures.published);
    expect(failed).toBe(0);
    expect(figures.unanswered).toBe(0);
    expect(figures.duplicates).toBe(0);
    expect(figures.refused.other).toBe(0);
  });

  it('goes on carrying what it can', () => {
    const inTime = during().filter(({ outcome }) => outcome === 'ok');
    expect((1_000 * inTime.length) / (toMs - fromMs)).toBeGreaterThan(leastShare * bound);
  });

  it('refuses at the door, at once, most of what it cannot carry', () => {
    const refused = during().filter(({ outcome }) => outcome === 'refused');
    expect(refused.length).toBeGreaterThan(0.8 * during().length);
    // The first deadline of a query that is refused has not passed when it is told.
    const tooLate = refused.filter(({ tookMs }) => tookMs > sloMs);
    expect(tooLate.length).toBeLessThan(0.01 * refused.length);
  });

  it('sheds the lowest class first', () => {
    const attained = (name: Class) => {
      const all = during().filter((query) => query.class === name);
      return all.filter(({ outcome }) => outcome === 'ok').length / all.length;
    };
    expect(attained('high')).toBeGreaterThan(0.9);
    expect(attained('normal')).toBeGreaterThan(0.75);
    expect(attained('low')).toBeLessThan(0.2);
  });

  it('is itself again when it is over', () => {
    const after = queries.filter(({ dueMs }) => dueMs >= toMs + 2_000);
    expect(after.length).toBeGreaterThan(0);
    expect(new Set(after.map(({ outcome }) => outcome))).toEqual(new Set(['ok']));
  });
});
