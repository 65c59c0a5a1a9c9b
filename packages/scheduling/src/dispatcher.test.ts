import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Batch } from './batch.js';
import { Dispatcher, type DispatcherOptions } from './dispatcher.js';
import { byDeadline } from './edf-queue.js';
import { SlackFit } from './policies/slackfit.js';
import type { Query } from './query.js';
import { query, smallTable } from './testing.js';

const options: DispatcherOptions = {
  conditions: { overheadMs: 1, reserveMs: 0, slowdown: 1 },
  maxBatch: 256,
  maxBatchBytes: 1e6,
  deadAfterMs: 500,
  overdueMs: 250,
};

/** A dispatcher over one model, with everything it asked for written down. */
function setup(overrides: Partial<DispatcherOptions> = {}) {
  const sent: Batch<Query>[] = [];
  const expired: string[] = [];
  const failed: string[] = [];
  const fenced: string[] = [];
  const effects = {
    send: (batch: Batch<Query>) => sent.push(batch),
    expired: (each: Query) => expired.push(each.id),
    failed: (each: Query) => failed.push(each.id),
    fenced: (workerId: string, epoch: string) => fenced.push(`${workerId}/${epoch}`),
  };
  const dispatcher = new Dispatcher<Query>(new SlackFit(), effects, { ...options, ...overrides });
  const report = (
    workerId: string,
    nowMs: number,
    rest: { epoch?: string; accepting?: boolean; batchId?: string; versions?: string[]; slots?: number } = {},
  ) =>
    dispatcher.report(
      {
        workerId,
        epoch: rest.epoch ?? 'e1',
        deviceClass: 'cpu',
        models: new Set(['m']),
        ...(rest.versions !== undefined && { versions: new Set(rest.versions) }),
        accepting: rest.accepting ?? true,
        batchId: rest.batchId,
        slots: rest.slots ?? 1,
      },
      nowMs,
    );
  dispatcher.setTable('m', 'cpu', smallTable);
  return { dispatcher, sent, expired, failed, fenced, report };
}

const ids = (batch: Batch<Query> | undefined) => batch?.queries.map((each) => each.id);

describe('the dispatcher', () => {
  it('sends the most urgent queries as soon as a worker is free', () => {
    const { dispatcher, sent, report } = setup();
    for (const [id, deadline] of [
      ['q1', 50],
      ['q2', 30],
      ['q3', 40],
      ['q4', 60],
      ['q5', 70],
    ] as const) {
      dispatcher.add(query(id, deadline));
    }
    report('w1', 0);
    expect(ids(sent[0])).toEqual(['q2', 'q3', 'q1', 'q4']);
    expect(sent[0]).toMatchObject({ subnet: 'large', workerId: 'w1', epoch: 'e1', expectedMs: 16 });
    dispatcher.run(1);
    expect(sent).toHaveLength(1);
    expect(dispatcher.complete(sent[0]?.id ?? '', 'w1', 'e1', 17)).toBe(sent[0]);
    dispatcher.run(17);
    expect(ids(sent[1])).toEqual(['q5']);
  });

  it('asks to be woken when the head becomes unreachable, and expires it then', () => {
    const { dispatcher, expired } = setup();
    dispatcher.add(query('q1', 20));
    dispatcher.add(query('q2', 30));
    dispatcher.run(0);
    // 1 ms on the fastest pair and 1 ms of overhead.
    expect(dispatcher.nextWakeMs()).toBeCloseTo(18, 2);
    // Whoever jumps to that time finds something to do: it is after the last moment at which q1 could be sent.
    expect(dispatcher.nextWakeMs()).toBeGreaterThan(18);
    dispatcher.run(18);
    expect(expired).toEqual([]);
    dispatcher.run(18.1);
    expect(expired).toEqual(['q1']);
    expect(dispatcher.nextWakeMs()).toBeCloseTo(28, 2);
  });

  it('reckons with executors that are slower than profiled', () => {
    const { dispatcher, sent, expired, report } = setup();
    dispatcher.setConditions({ overheadMs: 2, reserveMs: 0, slowdown: 3 });
    dispatcher.add(query('q1', 20));
    expect(dispatcher.nextWakeMs()).toBeCloseTo(15, 2);
    // 18 ms remain after overhead: of the profile's 6 ms and not of its 16.
    report('w1', 0);
    expect(sent[0]).toMatchObject({ subnet: 'small' });
    dispatcher.add(query('q2', 20));
    dispatcher.run(15.1);
    expect(expired).toEqual(['q2']);
  });

  it('expires at the deadline while nothing is profiled', () => {
    const { dispatcher, expired } = setup();
    dispatcher.setTable('m', 'cpu', undefined);
    dispatcher.add(query('q1', 20));
    dispatcher.run(19.9);
    expect(expired).toEqual([]);
    dispatcher.run(20.1);
    expect(expired).toEqual(['q1']);
  });

  it('gives batches only to workers that have the version which was profiled, and names it', () => {
    const { dispatcher, sent, report } = setup();
    dispatcher.setTable('m', 'cpu', smallTable, 'v2');
    dispatcher.add(query('q1', 1_000));
    report('w1', 0, { versions: ['v1'] });
    expect(sent).toEqual([]);
    report('w2', 1, { versions: ['v1', 'v2'] });
    expect(sent[0]).toMatchObject({ workerId: 'w2', version: 'v2' });
  });

  it('gives up the waiting queries of a model that is withdrawn, and takes new ones in again', () => {
    const { dispatcher, sent, expired, report } = setup();
    dispatcher.add(query('q2', 2_000));
    dispatcher.add(query('q1', 1_000));
    expect(dispatcher.withdraw('m').map(({ id }) => id)).toEqual(['q1', 'q2']);
    expect(dispatcher.withdraw('unheard-of')).toEqual([]);
    expect(dispatcher.queued).toBe(0);
    dispatcher.add(query('q3', 3_000));
    report('w1', 0);
    expect(ids(sent[0])).toEqual(['q3']);
    expect(expired).toEqual([]);
  });

  it('gives the batch of a lost worker to others, one query at a time, and fails what a second one was lost with', () => {
    const { dispatcher, sent, failed, report } = setup();
    report('w1', 0);
    dispatcher.add(query('q1', 1_000));
    dispatcher.add(query('q2', 1_001));
    dispatcher.run(0);
    expect(ids(sent[0])).toEqual(['q1', 'q2']);
    report('w2', 1);
    dispatcher.lost('w1', 'e1', 2);
    expect(ids(sent[1])).toEqual(['q1']);
    report('w3', 3);
    expect(ids(sent[2])).toEqual(['q2']);
    dispatcher.lost('w2', 'e1', 4);
    expect(failed).toEqual(['q1']);
    expect(dispatcher.complete(sent[2]?.id ?? '', 'w3', 'e1', 5)).toBe(sent[2]);
  });

  it('does not lose a query a second time with a worker that fell silent together with the first', () => {
    const { dispatcher, sent, failed, report } = setup();
    for (const worker of ['w1', 'w2', 'w3']) report(worker, 0);
    report('w3', 600);
    dispatcher.add(query('q1', 2_000));
    dispatcher.run(600);
    expect(sent[0]?.workerId).toBe('w1');
    expect(dispatcher.findLost(601).map(({ report: { workerId } }) => workerId)).toEqual(['w1', 'w2']);
    const lost = ['w1', 'w2'].map((worker) => dispatcher.lost(worker, 'e1', 601).map(({ workerId }) => workerId));
    expect(lost).toEqual([['w1', 'w2'], []]);
    expect(failed).toEqual([]);
    expect(sent.map(({ workerId }) => workerId)).toEqual(['w1', 'w3']);
  });

  it('does not believe a worker that was given up until it comes with a new epoch', () => {
    const { dispatcher, sent, fenced, report } = setup({ overdueMs: 10_000 });
    report('w1', 0);
    dispatcher.add(query('q1', 1_000));
    dispatcher.run(0);
    expect(dispatcher.findLost(500)).toEqual([]);
    expect(dispatcher.findLost(501).map((worker) => worker.report.workerId)).toEqual(['w1']);
    dispatcher.lost('w1', 'e1', 501);
    expect(dispatcher.complete(sent[0]?.id ?? '', 'w1', 'e1', 502)).toBeUndefined();
    report('w1', 503);
    expect(fenced).toEqual(['w1/e1']);
    expect(sent).toHaveLength(1);
    report('w1', 504, { epoch: 'e2' });
    expect(ids(sent[1])).toEqual(['q1']);
    expect(dispatcher.complete(sent[1]?.id ?? '', 'w1', 'e1', 505)).toBeUndefined();
    expect(dispatcher.complete(sent[1]?.id ?? '', 'w1', 'e2', 505)).toBe(sent[1]);
  });

  it('takes a new epoch of a worker as the loss of the old one', () => {
    const { dispatcher, sent, report } = setup();
    report('w1', 0);
    dispatcher.add(query('q1', 1_000));
    dispatcher.run(0);
    report('w1', 5, { epoch: 'e2' });
    expect(sent.map((batch) => batch.epoch)).toEqual(['e1', 'e2']);
  });

  it('sends what a worker refused to another, and to that one only after it has reported again', () => {
    const { dispatcher, sent, report } = setup();
    report('w1', 0);
    dispatcher.add(query('q1', 1_000));
    dispatcher.run(0);
    dispatcher.refused(sent[0]?.id ?? '', 'w1', 'e1', 1);
    expect(sent).toHaveLength(1);
    report('w2', 2);
    expect(sent[1]).toMatchObject({ workerId: 'w2', queries: [{ id: 'q1', deaths: 0 }] });
    dispatcher.refused(sent[1]?.id ?? '', 'w2', 'e1', 3);
    report('w1', 4);
    expect(sent[2]).toMatchObject({ workerId: 'w1' });
  });

  it('takes back a batch that its worker does not know of, without any loss', () => {
    const { dispatcher, sent, report } = setup({ overdueMs: 10_000 });
    report('w1', 0);
    dispatcher.add(query('q1', 10_000));
    dispatcher.run(0);
    const batchId = sent[0]?.id ?? '';
    // The first of these may have been on its way when the batch was sent.
    report('w1', 10);
    report('w1', 100);
    report('w1', 200, { batchId, accepting: false });
    expect(sent).toHaveLength(1);
    report('w1', 300);
    // It speaks, but what it is sent does not arrive: nothing more goes there until it has answered something.
    report('w1', 400);
    expect(sent).toHaveLength(1);
    expect([...dispatcher.doubted()].map(({ workerId }) => workerId)).toEqual(['w1']);
    dispatcher.heard('w1', 'another epoch', 400);
    expect(sent).toHaveLength(1);
    dispatcher.heard('w1', 'e1', 400);
    expect([...dispatcher.doubted()]).toEqual([]);
    expect(sent).toHaveLength(2);
    expect(sent[1]).toMatchObject({ workerId: 'w1', queries: [{ id: 'q1', deaths: 0 }] });
    expect(dispatcher.complete(batchId, 'w1', 'e1', 301)).toBeUndefined();
  });

  it('counts no death of a worker that has said goodbye before its batch came', () => {
    const { dispatcher, sent, failed, report } = setup();
    dispatcher.add(query('q1', 1_000));
    for (const id of ['w1', 'w2', 'w3']) {
      report(id, 0);
      expect(dispatcher.leave(id, 'e1')).toBe(false);
      dispatcher.lost(id, 'e1', 1);
    }
    expect(failed).toEqual([]);
    // This one takes the batch after all, and dies of it.
    report('w4', 2);
    dispatcher.leave('w4', 'e1');
    report('w4', 3, { batchId: sent[3]?.id ?? '', accepting: false });
    dispatcher.lost('w4', 'e1', 4);
    report('w5', 5);
    expect(sent[4]).toMatchObject({ workerId: 'w5', queries: [{ id: 'q1', deaths: 1 }] });
  });

  it('sends nothing more to a worker that has said goodbye while its batch was on its way', () => {
    const { dispatcher, sent, report } = setup();
    for (const id of ['q1', 'q2']) dispatcher.add(query(id, 1_000));
    report('w1', 0);
    expect(dispatcher.leave('w1', 'e1')).toBe(false);
    dispatcher.add(query('q3', 1_000));
    expect(dispatcher.complete(sent[0]?.id ?? '', 'w1', 'e1', 10)).toBeDefined();
    dispatcher.run(10);
    expect(sent).toHaveLength(1);
    expect(dispatcher.leave('w1', 'e1')).toBe(true);
  });

  it('judges nobody by words that are still to be read', () => {
    const { dispatcher, sent, report } = setup({ overdueMs: 10_000 });
    dispatcher.readUpTo(0);
    report('w1', 0);
    dispatcher.add(query('q1', 10_000));
    dispatcher.run(10);
    // Said before the batch was sent, and read long after.
    for (const atMs of [200, 210, 220]) report('w1', atMs);
    expect(dispatcher.findLost(5_000)).toEqual([]);
    dispatcher.readUpTo(300);
    report('w1', 310);
    expect([...dispatcher.doubted()]).toEqual([]);
    expect(dispatcher.findLost(800)).toEqual([]);
    expect(dispatcher.complete(sent[0]?.id ?? '', 'w1', 'e1', 820)).toBeDefined();
    dispatcher.readUpTo(1_400);
    expect(dispatcher.findLost(1_400)).toHaveLength(1);
  });

  it('moves its times along when the clock is set anew', () => {
    const { dispatcher, report } = setup();
    report('w1', 0);
    dispatcher.shiftTimes(3_600_000);
    expect(dispatcher.findLost(3_600_400)).toEqual([]);
    expect(dispatcher.findLost(3_600_501)).toHaveLength(1);
  });

  it('forgets a worker that says goodbye, without any loss', () => {
    const { dispatcher, sent, report } = setup();
    report('w1', 0);
    dispatcher.leave('w1', 'e1');
    expect(dispatcher.workers).toBe(0);
    dispatcher.add(query('q1', 1_000));
    dispatcher.run(1);
    expect(sent).toEqual([]);
  });

  it('finds a batch that is overdue although its worker is heard of', () => {
    const { dispatcher, sent, report } = setup();
    report('w1', 0);
    dispatcher.add(query('q1', 10_000));
    dispatcher.run(0);
    const due = (sent[0]?.expectedMs ?? 0) + options.overdueMs;
    report('w1', due, { accepting: false, batchId: sent[0]?.id ?? '' });
    expect(dispatcher.findLost(due)).toEqual([]);
    expect(dispatcher.findLost(due + 0.1)).toHaveLength(1);
  });

  it('sends nothing to a worker that takes nothing, or has no profile', () => {
    const { dispatcher, sent, report } = setup();
    dispatcher.add(query('q1', 1_000));
    report('w1', 0, { accepting: false });
    expect(sent).toEqual([]);
    dispatcher.setTable('m', 'cpu', undefined);
    report('w1', 1);
    expect(sent).toEqual([]);
    dispatcher.setTable('m', 'cpu', smallTable);
    dispatcher.run(2);
    expect(sent).toHaveLength(1);
  });

  it('ends every query exactly once, sends it to one worker at a time, and keeps EDF order, whatever happens', () => {
    const slotsOf = (workerId: string) => (Number(workerId.slice(1)) % 2) + 1;
    const anyEvent = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({ kind: fc.constant('arrive' as const), within: fc.integer({ min: 1, max: 60 }) }),
      },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('complete' as const), pick: fc.nat(9) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('join' as const), worker: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose' as const), worker: fc.nat(3) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 20 }) }) },
    );
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 150 }), (events) => {
        const { dispatcher, sent, expired, failed, report } = setup();
        const out = new Set<Batch<Query>>();
        const heldBy = (workerId: string) => [...out].filter((batch) => batch.workerId === workerId);
        const gone = (workerId: string) => {
          for (const batch of heldBy(workerId)) out.delete(batch);
        };
        const answered: string[] = [];
        const epochs = [0, 0, 0, 0];
        let [now, arrived, seen] = [0, 0, 0];
        const settle = () => {
          for (const batch of sent.slice(seen)) {
            expect(heldBy(batch.workerId).length).toBeLessThan(slotsOf(batch.workerId));
            expect(batch.queries).toEqual([...batch.queries].sort(byDeadline));
            for (const each of batch.queries) expect(each.deadlineMs).toBeGreaterThanOrEqual(now);
            if (batch.queries.some((each) => each.deaths > 0)) expect(batch.queries).toHaveLength(1);
            out.add(batch);
          }
          seen = sent.length;
        };
        for (const event of events) {
          if (event.kind === 'arrive') {
            arrived += 1;
            dispatcher.add(query(`q${arrived}`, now + event.within));
          }
          if (event.kind === 'pass') now += event.ms;
          if (event.kind === 'complete') {
            const batch = [...out][event.pick];
            if (batch === undefined) continue;
            expect(dispatcher.complete(batch.id, batch.workerId, batch.epoch, now)).toBe(batch);
            expect(dispatcher.complete(batch.id, batch.workerId, batch.epoch, now)).toBeUndefined();
            out.delete(batch);
            answered.push(...batch.queries.map((each) => each.id));
          }
          if (event.kind === 'lose' && epochs[event.worker] !== 0) {
            gone(`w${event.worker}`);
            dispatcher.lost(`w${event.worker}`, `e${epochs[event.worker]}`, now);
          }
          if (event.kind === 'join') {
            epochs[event.worker] = (epochs[event.worker] ?? 0) + 1;
            const workerId = `w${event.worker}`;
            gone(workerId);
            report(workerId, now, { epoch: `e${epochs[event.worker]}`, slots: slotsOf(workerId) });
          }
          dispatcher.run(now);
          settle();
          const held = [...dispatcher.inFlight()].flatMap((batch) => batch.queries.map((each) => each.id));
          const ended = [...answered, ...expired, ...failed];
          expect(new Set([...ended, ...held]).size).toBe(ended.length + held.length);
          expect(ended.length + held.length + dispatcher.queued).toBe(arrived);
        }
      }),
    );
  });
});
