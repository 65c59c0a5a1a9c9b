import { describe, expect, it } from 'vitest';
import { Dispatcher } from './dispatcher.js';
import { LatencyTable } from './latency-table.js';
import { createPolicy } from './policies/registry.js';
import type { Query } from './query.js';
import { query } from './testing.js';

/** One query takes 10 ms, four together 20: a worker carries a query in 5 ms at best. */
const table = new LatencyTable([{ id: 's', accuracy: 0.7 }], [1, 4], [[10, 20]]);
const overheadMs = 3;

function dispatcher(models: readonly string[], workers = 1): Dispatcher<Query> {
  const effects = { send: () => {}, expired: () => {}, failed: () => {}, fenced: () => {} };
  const made = new Dispatcher<Query>(createPolicy('maxbatch'), effects, {
    conditions: { slowdown: 1, overheadMs, reserveMs: 0 },
    ...{ maxBatch: 4, maxBatchBytes: 1e6, deadAfterMs: 1e9, overdueMs: 1e9 },
  });
  for (const model of models) made.setTable(model, 'd', table);
  const report = { epoch: 'e', deviceClass: 'd', models: new Set(models), accepting: true, batchId: undefined };
  for (let w = 0; w < workers; w += 1) made.report({ ...report, workerId: `w${w}` }, 0);
  return made;
}

/** Queries with 100 ms to their deadline. */
function add(to: Dispatcher<Query>, count: number, more: Partial<Query> = {}): void {
  for (let i = 0; i < count; i += 1) to.add(query(`${JSON.stringify(more)}${i}`, 100, { model: 'm', ...more }));
}

describe('what is told of the backlog', () => {
  it('is nothing while it can be carried, or without a worker', () => {
    const one = dispatcher(['m']);
    add(one, 12);
    expect(one.backlogs(0)).toEqual([]);
    const none = dispatcher(['m'], 0);
    add(none, 1_000);
    expect(none.backlogs(0)).toEqual([]);
  });

  it('is how long each class and those above it take at best, with what is running and the overhead', () => {
    const one = dispatcher(['m']);
    add(one, 4);
    one.run(0);
    add(one, 10, { priority: 0 });
    add(one, 20, { priority: 1 });
    const [backlog] = one.backlogs(5);
    const firstMs = 20 + overheadMs - 5 + overheadMs;
    expect(backlog).toMatchObject({ model: 'm', capacityPerMs: 0.2 });
    expect(backlog?.ahead).toEqual([
      { takesMs: 150 + firstMs, latestMs: 100, sloMs: 64, within: [] },
      { takesMs: 100 + firstMs, latestMs: 100, sloMs: 64, within: [] },
      { takesMs: 0, latestMs: Number.NEGATIVE_INFINITY, sloMs: 0, within: [] },
    ]);
  });

  it('counts what waits of other models for the same workers', () => {
    const one = dispatcher(['m', 'n']);
    add(one, 15, { model: 'm' });
    add(one, 15, { model: 'n' });
    const takesMs = one.backlogs(0).map(({ model, ahead }) => [model, ahead[0]?.takesMs]);
    expect(takesMs).toEqual([
      ['m', 150 + overheadMs],
      ['n', 150 + overheadMs],
    ]);
  });

  it('is told although one query has all the time there is, with what was given less by itself', () => {
    const one = dispatcher(['m']);
    add(one, 1, { deadlineMs: 60_000, sloMs: 60_000 });
    expect(one.backlogs(0)).toEqual([]);
    add(one, 30, { sloMs: 100 });
    expect(one.backlogs(0)[0]?.ahead[1]).toEqual({
      ...{ takesMs: 155 + overheadMs, latestMs: 60_000, sloMs: 65_536 },
      within: [{ sloMs: 128, takesMs: 150 + overheadMs, latestMs: 100 }],
    });
  });

  it('takes nothing for work that no worker can do', () => {
    const one = dispatcher(['m']);
    add(one, 60);
    one.run(0);
    one.withdraw('m');
    add(one, 3, { minAccuracy: 0.9 });
    const [backlog] = one.backlogs(1);
    expect(backlog?.capacityPerMs).toBe(0.2);
    expect(backlog?.ahead.map(({ takesMs }) => takesMs)).toEqual([0, 0, 0]);
  });

  it('is not held up by a model that has a table for the same device class, and no worker yet', () => {
    const one = dispatcher(['m']);
    one.setTable('n', 'd', table);
    add(one, 60, { model: 'm' });
    add(one, 60, { model: 'n' });
    expect(one.backlogs(0).map(({ model, ahead }) => [model, ahead[0]?.takesMs])).toEqual([['m', 300 + overheadMs]]);
  });

  it('changes nothing for the decisions: who looks between them is no sign of overload', () => {
    const looked = dispatcher(['m']);
    const unlooked = dispatcher(['m']);
    for (const each of [looked, unlooked]) add(each, 60);
    expect(looked.backlogs(0)).toHaveLength(1);
    // What could not be carried goes, the rest could: and only a decision may have found that out.
    for (const each of [looked, unlooked]) each.withdraw('m');
    expect(looked.backlogs(1)).toEqual(unlooked.backlogs(1));
    expect(looked.backlogs(1)).toEqual([]);
  });
});
