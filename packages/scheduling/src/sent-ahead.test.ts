/** The next batch, sent before its worker is free. */
import { describe, expect, it } from 'vitest';
import { createPolicy } from './policies/registry.js';
import type { Decision, DecisionView, Policy } from './policy.js';
import { family, pool, query, smallTable } from './testing.js';

const runs = (model: string): Decision => ({ kind: 'run', model, batch: 1, subnet: 0 });

/** Serves the first query of all at once, and then only workers that are still busy. */
const waitsForTheFree: Policy = {
  name: 'waits for the free',
  decide: ({ nowMs, startMs, queues }) =>
    startMs > nowMs || nowMs === 0 ? runs(queues[0]?.model ?? '') : { kind: 'wait', untilMs: 900 },
};

/** Commands and ends take 2 ms together. */
const overheadMs = 2;

/** A worker that holds two batches of one query, with q1 on its device from 0 on (4 ms on the largest subnet), and q2 waiting. */
function busy(slots = 2) {
  const parts = pool(createPolicy('fixed:largest'), overheadMs, 1);
  const { dispatcher, report } = parts;
  dispatcher.setTable('m', 'fast', smallTable);
  report('w1', 0, { slots });
  dispatcher.add(query('q1', 1_000));
  dispatcher.run(0);
  dispatcher.add(query('q2', 1_001));
  dispatcher.run(1);
  return parts;
}

const ids = (parts: ReturnType<typeof busy>) =>
  parts.sent.map(({ workerId, queries }) => [workerId, ...queries.map(({ id }) => id)].join(' '));

describe('the next batch of a busy worker', () => {
  it('is sent so early that the command is there when the device is free', () => {
    const parts = busy();
    const { dispatcher, sent, complete } = parts;
    expect(sent).toHaveLength(1);
    // The device has q1 until 4, less the way of a command; with the way back its end is heard of at 6.
    expect(dispatcher.nextWakeMs()).toBe(4);
    dispatcher.run(1.9);
    expect(sent).toHaveLength(1);
    dispatcher.run(2);
    expect(ids(parts)).toEqual(['w1 q1', 'w1 q2']);
    expect(sent[1]).toMatchObject({ sentAtMs: 2, startMs: 4, expectedMs: 4 });
    expect(complete(sent[0], 6)).toBe(sent[0]);
    expect(sent[1]).toMatchObject({ startMs: 4, behind: { endMs: 4, expectedMs: 4 } });
    expect(complete(sent[1], 10)).toBe(sent[1]);
  });

  it('is not sent while it could still grow', () => {
    const { dispatcher, sent, report } = pool(createPolicy('fixed:largest'), overheadMs, 3);
    dispatcher.setTable('m', 'fast', smallTable);
    report('w1', 0, { slots: 2 });
    dispatcher.add(query('q1', 1_000));
    dispatcher.run(0);
    for (const id of ['q2', 'q3']) dispatcher.add(query(id, 1_000));
    dispatcher.run(3);
    expect(sent).toHaveLength(1);
    expect(dispatcher.nextWakeMs()).toBeGreaterThan(900);
    dispatcher.add(query('q4', 1_000));
    dispatcher.run(3.1);
    expect(sent[1]?.queries.map(({ id }) => id)).toEqual(['q2', 'q3', 'q4']);
  });

  it('is not sent while the most urgent query has few beside it that could run with it, whatever else waits', () => {
    const policy = { name: 'first', decide: ({ queues }: DecisionView) => runs(queues[0]?.model ?? '') };
    const { dispatcher, sent, report } = pool(policy, overheadMs, 3);
    for (const model of ['a', 'b']) dispatcher.setTable(model, 'fast', smallTable);
    report('w1', 0, { slots: 2, models: ['a', 'b'] });
    dispatcher.add(query('a1', 1_000, { model: 'a' }));
    dispatcher.run(0);
    for (const id of ['a2', 'a3', 'a4']) dispatcher.add(query(id, 1_000, { model: 'a' }));
    dispatcher.add(query('b1', 900, { model: 'b' }));
    dispatcher.run(0.9);
    expect(sent).toHaveLength(1);
    dispatcher.withdraw('b');
    dispatcher.run(0.9);
    expect(sent).toHaveLength(2);
  });

  it('is the only one that waits there', () => {
    const parts = busy();
    const { dispatcher, complete, sent } = parts;
    dispatcher.run(3);
    dispatcher.add(query('q3', 1_002));
    dispatcher.run(5);
    expect(ids(parts)).toEqual(['w1 q1', 'w1 q2']);
    complete(sent[0], 6);
    // q2 is on the device until 8.
    dispatcher.run(5.9);
    expect(sent).toHaveLength(2);
    dispatcher.run(6);
    expect(ids(parts)).toEqual(['w1 q1', 'w1 q2', 'w1 q3']);
  });

  it('goes to a worker that is free instead, where there is one', () => {
    const parts = busy();
    const { dispatcher, report } = parts;
    report('w2', 1.5, { slots: 2 });
    expect(ids(parts)).toEqual(['w1 q1', 'w2 q2']);
    dispatcher.add(query('q3', 1_002));
    dispatcher.run(3);
    expect(ids(parts)).toEqual(['w1 q1', 'w2 q2', 'w1 q3']);
  });

  it('is not sent to a worker that holds one batch only, or takes none', () => {
    const single = busy(1);
    const closing = busy();
    closing.report('w1', 1.5, { slots: 2, accepting: false, batchId: closing.sent[0]?.id });
    for (const parts of [single, closing]) {
      parts.dispatcher.run(3);
      expect(ids(parts)).toEqual(['w1 q1']);
    }
  });

  it('is not sent behind a batch that does not end when it should', () => {
    const parts = busy();
    const { dispatcher, sent } = parts;
    dispatcher.run(4 + overheadMs + 1.1);
    expect(sent).toHaveLength(1);
    parts.complete(sent[0], 9);
    dispatcher.run(9);
    expect(sent).toHaveLength(2);
  });

  it('is not sent behind one that is late, although others are only about to end', () => {
    const parts = busy();
    const { dispatcher, sent, report, complete } = parts;
    dispatcher.withdraw('m');
    report('w2', 1.5, { slots: 2 });
    dispatcher.add(query('q3', 1_003));
    // Its worker's device has q3 until 5.5; that of q1 is about to end from 2 on, and late from 7 on.
    dispatcher.run(1.5);
    dispatcher.run(3.6);
    dispatcher.run(7.1);
    dispatcher.add(query('q4', 1_004));
    dispatcher.run(7.1);
    expect(ids(parts)).toEqual(['w1 q1', 'w2 q3', 'w2 q4']);
    complete(sent[0], 8);
    expect(sent).toHaveLength(3);
  });

  it('is not sent where its first query would be late: another worker may be free in time', () => {
    const parts = busy();
    const { dispatcher, sent, report, expired } = parts;
    dispatcher.withdraw('m');
    // It takes 4 ms and the way of 2, and cannot begin before 4.
    dispatcher.add(query('q3', 9.9));
    dispatcher.run(3);
    expect(sent).toHaveLength(1);
    report('w2', 3.5);
    expect(ids(parts)).toEqual(['w1 q1', 'w2 q3']);
    expect(expired).toEqual([]);
  });

  it('begins later where the batch before it took longer, and that is told apart from its own time', () => {
    const parts = busy();
    parts.dispatcher.run(3);
    parts.complete(parts.sent[0], 9);
    expect(parts.sent[1]).toMatchObject({ startMs: 7, behind: { endMs: 4, expectedMs: 4 } });
    expect(parts.dispatcher.findLost(7 + 4 + 250)).toEqual([]);
    expect(parts.dispatcher.findLost(7 + 4 + 250.1)).toHaveLength(1);
  });

  it('waits again when the worker is lost, and counts no death: it had to wait for its device', () => {
    const parts = busy();
    const { dispatcher, sent, report } = parts;
    dispatcher.run(3);
    dispatcher.lost('w1', 'e1', 3);
    report('w2', 4);
    report('w3', 4);
    const deaths = sent.slice(2).flatMap(({ queries }) => queries.map(({ id, deaths }) => [id, deaths]));
    expect(deaths).toEqual([
      ['q1', 1],
      ['q2', 0],
    ]);
  });

  it('counts no death either where the broker says that nobody listened for it', () => {
    const { dispatcher, sent, report } = busy();
    dispatcher.lost('w1', 'e1', 3, sent[0]?.id);
    report('w2', 4);
    report('w3', 4);
    const deaths = sent.slice(1).flatMap(({ queries }) => queries.map(({ id, deaths }) => [id, deaths]));
    expect(deaths).toEqual([
      ['q1', 0],
      ['q2', 0],
    ]);
  });

  it('is given to another when it is refused, while the batch on the device goes on', () => {
    const parts = busy();
    const { dispatcher, sent, report, complete } = parts;
    dispatcher.run(3);
    dispatcher.refused(sent[1]?.id ?? '', 'w1', 'e1', 3.2);
    expect(sent).toHaveLength(2);
    report('w2', 3.5);
    expect(ids(parts)).toEqual(['w1 q1', 'w1 q2', 'w2 q2']);
    expect(complete(sent[0], 6)).toBe(sent[0]);
    expect(complete(sent[1], 6)).toBeUndefined();
  });

  it('leaves what was refused unactuated, and the worker alone until it reports again', () => {
    const policy = { name: 'first', decide: ({ queues }: DecisionView) => runs(queues[0]?.model ?? '') };
    const { dispatcher, sent, report, complete } = pool(policy, overheadMs, 1);
    for (const model of ['a', 'b']) dispatcher.setTable(model, 'fast', family);
    report('w1', 0, { slots: 2, models: ['a', 'b'] });
    dispatcher.add(query('q1', 1_000, { model: 'a' }));
    dispatcher.run(0);
    dispatcher.add(query('q2', 1_000, { model: 'b' }));
    dispatcher.run(sent[0]?.expectedMs ?? 0);
    expect(sent[1]).toMatchObject({ model: 'b', actuationMs: 5 });
    dispatcher.refused(sent[1]?.id ?? '', 'w1', 'e1', 6.5);
    complete(sent[0], 8);
    dispatcher.run(8);
    expect(sent).toHaveLength(2);
    report('w1', 9, { slots: 2, models: ['a', 'b'] });
    expect(sent[2]).toMatchObject({ model: 'b', actuationMs: 5 });
  });

  it('takes the place of a batch whose end was lost on the way', () => {
    const parts = busy();
    const { dispatcher, sent, report, complete, expired } = parts;
    dispatcher.run(3);
    for (const atMs of [100, 200]) report('w1', atMs, { slots: 2, batchId: sent[1]?.id });
    // q1 waits again, as nothing says that it was answered.
    expect(dispatcher.queued).toBe(1);
    expect([...dispatcher.inFlight()].map(({ id }) => id)).toEqual([sent[1]?.id]);
    expect(complete(sent[1], 201)).toBe(sent[1]);
    expect(expired).toEqual([]);
  });

  it('may come back although the one before it has not', () => {
    const { dispatcher, sent, complete } = busy();
    dispatcher.run(3);
    expect(complete(sent[1], 10)).toBe(sent[1]);
    expect(complete(sent[0], 11)).toBe(sent[0]);
    expect([...dispatcher.inFlight()]).toEqual([]);
  });

  it('moves along when the clock is set anew', () => {
    const parts = busy();
    const { dispatcher, sent } = parts;
    dispatcher.shiftTimes(100);
    dispatcher.run(101.9);
    expect(sent).toHaveLength(1);
    dispatcher.run(102);
    expect(sent[1]).toMatchObject({ startMs: 104 });
    dispatcher.shiftTimes(100);
    expect(sent[1]).toMatchObject({ sentAtMs: 202, startMs: 204 });
    parts.complete(sent[0], 206);
    dispatcher.shiftTimes(100);
    expect(sent[1]).toMatchObject({ startMs: 304, behind: { endMs: 304, expectedMs: 4 } });
  });
});

it('is not sent while a policy keeps a free worker waiting, unless it plans for each of them', () => {
  for (const perWorker of [false, true]) {
    const policy = { ...waitsForTheFree, perWorker };
    const { dispatcher, sent, report } = pool(policy, overheadMs, 1);
    dispatcher.setTable('m', 'fast', smallTable);
    report('w1', 0, { slots: 2 });
    dispatcher.add(query('q1', 1_000));
    dispatcher.run(0);
    report('w2', 0);
    dispatcher.add(query('q2', 1_000));
    dispatcher.run(0.5);
    expect(sent.map(({ workerId }) => workerId)).toEqual(perWorker ? ['w1', 'w1'] : ['w1']);
  }
});

it('is not waited for by a leader that sends nothing any more', () => {
  const { dispatcher } = busy();
  expect(dispatcher.nextWakeMs()).toBe(4);
  dispatcher.hold();
  dispatcher.run(4);
  expect(dispatcher.nextWakeMs()).toBeGreaterThan(900);
});

it('is never sent where commands and ends take no time', () => {
  const { dispatcher, sent, report, complete } = pool(createPolicy('fixed:largest'), 0, 1);
  dispatcher.setTable('m', 'fast', smallTable);
  report('w1', 0, { slots: 2 });
  dispatcher.add(query('q1', 1_000));
  dispatcher.run(0);
  dispatcher.add(query('q2', 1_000));
  dispatcher.run(4);
  expect(sent).toHaveLength(1);
  complete(sent[0], 4);
  dispatcher.run(4);
  expect(sent).toHaveLength(2);
});

it('a worker that runs a batch of somebody else is not free until it says that it has ended', () => {
  const { dispatcher, sent, report } = pool(createPolicy('fixed:largest'), overheadMs);
  dispatcher.setTable('m', 'fast', smallTable);
  dispatcher.add(query('q1', 1_000));
  report('w1', 0, { slots: 2, batchId: 'of a leader before us' });
  expect(sent).toEqual([]);
  report('w1', 5, { slots: 2 });
  expect(sent).toHaveLength(1);
});
