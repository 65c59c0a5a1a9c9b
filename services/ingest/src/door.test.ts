import type { BacklogReport, Priority } from '@slackline/shared';
import { beforeEach, describe, expect, it } from 'vitest';
import { Door } from './door.js';

/** Broker time at which the scheduler spoke. */
const saidAtMs = 1_000_000;
const sloMs = 500;
let ingests = 1;
let door = new Door(() => ingests);
beforeEach(() => {
  ingests = 1;
  door = new Door(() => ingests);
});

/** A query at the door; times are the broker's. */
interface Candidate {
  model: string;
  priority: Priority;
  deadlineMs: number;
}
const refusal = ({ model, priority, deadlineMs }: Candidate, nowMs: number) =>
  door.gate(model, { brokerNowMs: nowMs })?.refusal(priority, deadlineMs, nowMs);
const enter = ({ model, priority, deadlineMs }: Candidate, nowMs: number) =>
  door.gate(model, { brokerNowMs: nowMs })?.entered(priority, deadlineMs, nowMs);

const nothing = { takesMs: 0, latestMs: 0, sloMs: 0, within: [] };
/** A model that carries a query in 5 ms; `takesMs` says what waits. */
function report(takesMs: { low: number; normal: number; high: number }, latestMs = saidAtMs + sloMs): BacklogReport {
  const ahead = (ms: number) => (ms === 0 ? nothing : { takesMs: ms, latestMs, sloMs: 512, within: [] });
  const { low, normal, high } = takesMs;
  return {
    v: 1,
    models: [{ model: 'm', capacityPerMs: 0.2, low: ahead(low), normal: ahead(normal), high: ahead(high) }],
  };
}
const query = (more: Partial<Candidate> = {}): Candidate => ({
  ...{ model: 'm', priority: 'normal', deadlineMs: saidAtMs + sloMs },
  ...more,
});

describe('what comes in while a model is overloaded', () => {
  it('is what would be done before its deadline', () => {
    door.told(report({ low: 400, normal: 400, high: 0 }), saidAtMs);
    expect(refusal(query(), saidAtMs)).toBeUndefined();
    door.told(report({ low: 600, normal: 600, high: 0 }), saidAtMs);
    expect(refusal(query(), saidAtMs)).toMatchObject({ error: { code: 'overloaded' }, retryAfterMs: 600 });
    expect(refusal(query({ deadlineMs: saidAtMs + 700 }), saidAtMs)).toBeUndefined();
  });

  it('is only held up by its own class and those above it', () => {
    door.told(report({ low: 900, normal: 600, high: 100 }), saidAtMs);
    expect(refusal(query({ priority: 'low' }), saidAtMs)?.retryAfterMs).toBe(900);
    expect(refusal(query({ priority: 'normal' }), saidAtMs)?.retryAfterMs).toBe(600);
    expect(refusal(query({ priority: 'high' }), saidAtMs)).toBeUndefined();
  });

  it('counts what came in since, of every ingest', () => {
    door.told(report({ low: 480, normal: 480, high: 0 }), saidAtMs);
    ingests = 2;
    for (let i = 0; i < 2; i += 1) enter(query(), saidAtMs);
    expect(refusal(query(), saidAtMs)).toBeUndefined();
    enter(query(), saidAtMs);
    expect(refusal(query(), saidAtMs)?.retryAfterMs).toBe(510);
    // It waits behind nothing of its own class.
    expect(refusal(query({ priority: 'high' }), saidAtMs)).toBeUndefined();
  });

  it('counts what was carried since', () => {
    door.told(report({ low: 650, normal: 650, high: 0 }), saidAtMs);
    const at = (ms: number) => refusal(query({ deadlineMs: saidAtMs + ms + sloMs }), saidAtMs + ms);
    expect(at(0)?.retryAfterMs).toBe(650);
    expect(at(100)?.retryAfterMs).toBe(550);
    expect(at(150)).toBeUndefined();
  });

  it('lets a query in whose own deadline is near where later ones can all be carried', () => {
    door.told(report({ low: 900, normal: 900, high: 0 }, saidAtMs + 5_000), saidAtMs);
    expect(refusal(query({ deadlineMs: saidAtMs + 100 }), saidAtMs)).toBeUndefined();
  });
});

describe('where what waits was given different times', () => {
  /** Queries with a minute, which vouch for nobody; those with half a second take a second. */
  const mixed = (): BacklogReport => {
    const within = [{ sloMs: 512, takesMs: 1_000, latestMs: saidAtMs + sloMs }];
    const all = { takesMs: 1_200, latestMs: saidAtMs + 60_000, sloMs: 65_536, within };
    return { v: 1, models: [{ model: 'm', capacityPerMs: 0.2, low: all, normal: all, high: all }] };
  };
  const longest = { takesMs: 1_200, latestMs: saidAtMs + 60_000, sloMs: 65_536 };
  const parted = (within: BacklogReport['models'][number]['low']['within'], last = longest): BacklogReport => {
    const all = { ...last, within };
    return { v: 1, models: [{ model: 'm', capacityPerMs: 0.2, low: all, normal: all, high: all }] };
  };
  beforeEach(() => door.told(mixed(), saidAtMs));

  it('a query is held up by those that were given no longer', () => {
    expect(refusal(query(), saidAtMs)?.retryAfterMs).toBe(1_000);
    expect(refusal(query({ deadlineMs: saidAtMs + 2_000 }), saidAtMs)).toBeUndefined();
    expect(refusal(query({ deadlineMs: saidAtMs + 60_000 }), saidAtMs)).toBeUndefined();
  });

  it('a query is held up by those that were given less, whatever was told of its like', () => {
    const within = [{ sloMs: 1_024, takesMs: 3_000, latestMs: saidAtMs + 1_000 }];
    const all = { takesMs: 3_005, latestMs: saidAtMs + 60_000, sloMs: 65_536, within };
    door.told({ v: 1, models: [{ model: 'm', capacityPerMs: 0.2, low: all, normal: all, high: all }] }, saidAtMs);
    expect(refusal(query({ deadlineMs: saidAtMs + 2_000 }), saidAtMs)?.retryAfterMs).toBe(3_000);
    expect(refusal(query({ deadlineMs: saidAtMs + 4_000 }), saidAtMs)).toBeUndefined();
  });

  it('a query with a limit shorter than all that are told apart is held up by its like', () => {
    door.told(parted([{ sloMs: 8, takesMs: 6, latestMs: saidAtMs + 3 }]), saidAtMs);
    expect(refusal(query({ deadlineMs: saidAtMs + 3 }), saidAtMs)).toMatchObject({ retryAfterMs: 6 });
  });

  it('so is one with a limit longer than all that are', () => {
    const limitMs = 600_000;
    const ahead = { takesMs: 900_000, latestMs: saidAtMs + limitMs, sloMs: Number.MAX_SAFE_INTEGER };
    door.told(parted([], ahead), saidAtMs);
    expect(refusal(query({ deadlineMs: saidAtMs + limitMs }), saidAtMs)).toMatchObject({ retryAfterMs: 900_000 });
    expect(refusal(query(), saidAtMs)).toBeUndefined();
  });

  it('a query is told when all is done that is in its way', () => {
    const parts = [
      { sloMs: 64, takesMs: 600, latestMs: saidAtMs + 64 },
      { sloMs: 512, takesMs: 1_200, latestMs: saidAtMs + 500 },
    ];
    door.told(parted(parts), saidAtMs);
    expect(refusal(query(), saidAtMs)).toMatchObject({ retryAfterMs: 1_200 });
  });

  it('a query is not held up by those that were given more, though they cannot be carried', () => {
    const all = { takesMs: 70_000, latestMs: saidAtMs + 60_000, sloMs: 65_536, within: [] };
    door.told({ v: 1, models: [{ model: 'm', capacityPerMs: 0.2, low: all, normal: all, high: all }] }, saidAtMs);
    expect(refusal(query(), saidAtMs)).toBeUndefined();
    expect(refusal(query({ deadlineMs: saidAtMs + 60_000 }), saidAtMs)?.retryAfterMs).toBe(70_000);
  });

  it("what comes in and was given more than all that waits vouches for nobody, and is in nobody's way", () => {
    const all = { takesMs: 600, latestMs: saidAtMs + sloMs, sloMs: 512, within: [] };
    door.told({ v: 1, models: [{ model: 'm', capacityPerMs: 0.2, low: all, normal: all, high: all }] }, saidAtMs);
    enter(query({ deadlineMs: saidAtMs + 60_000 }), saidAtMs);
    expect(refusal(query(), saidAtMs)?.retryAfterMs).toBe(600);
    for (let i = 0; i < 20_000; i += 1) enter(query({ deadlineMs: saidAtMs + 60_000 }), saidAtMs);
    expect(refusal(query(), saidAtMs)?.retryAfterMs).toBe(600);
    expect(refusal(query({ deadlineMs: saidAtMs + 60_000 }), saidAtMs)?.retryAfterMs).toBeGreaterThan(60_000);
  });

  it('counts what came in and what was carried since in every part', () => {
    for (let i = 0; i < 100; i += 1) enter(query({ deadlineMs: saidAtMs + 60_000 }), saidAtMs);
    expect(refusal(query(), saidAtMs)?.retryAfterMs).toBe(1_000);
    for (let i = 0; i < 100; i += 1) enter(query(), saidAtMs);
    expect(refusal(query(), saidAtMs)?.retryAfterMs).toBe(1_500);
    const later = saidAtMs + 200;
    expect(refusal(query({ deadlineMs: later + sloMs }), later)?.retryAfterMs).toBe(1_300);
  });
});

describe('without word from the scheduler', () => {
  it('not even the time is asked for', () => {
    const time = {
      get brokerNowMs(): number {
        throw new Error('the time was read');
      },
    };
    expect(door.gate('m', time)).toBeUndefined();
    door.told(report({ low: 0, normal: 0, high: 0 }), saidAtMs);
    expect(() => door.gate('m', time)).toThrow('was read');
  });

  it('everything comes in, before the first word and for models that are not named', () => {
    expect(refusal(query(), saidAtMs)).toBeUndefined();
    door.told(report({ low: 900, normal: 900, high: 900 }), saidAtMs);
    expect(refusal(query({ model: 'other' }), saidAtMs)).toBeUndefined();
  });

  it('everything comes in once nothing is overloaded any more', () => {
    door.told(report({ low: 900, normal: 900, high: 900 }), saidAtMs);
    door.told({ v: 1, models: [] }, saidAtMs + 1);
    expect(refusal(query(), saidAtMs + 1)).toBeUndefined();
  });

  it('what waited is not taken for carried when the scheduler falls silent, and is forgotten after a while', () => {
    door.told(report({ low: 2_000, normal: 2_000, high: 0 }), saidAtMs);
    const at = (ms: number) => refusal(query({ deadlineMs: saidAtMs + ms + sloMs }), saidAtMs + ms);
    expect(at(1_000)?.retryAfterMs).toBe(1_750);
    expect(at(4_000)?.retryAfterMs).toBe(1_750);
    expect(at(5_001)).toBeUndefined();
  });
});
