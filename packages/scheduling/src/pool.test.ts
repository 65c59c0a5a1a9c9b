/** What a policy is shown of the pool, and several device classes on one. */
import { describe, expect, it } from 'vitest';
import { SlackFit } from './policies/slackfit.js';
import type { Decision, DecisionView, Policy } from './policy.js';
import { family, pool, query, slowTable, smallTable } from './testing.js';

/** Writes down what it is shown, and asks another policy or answers as it is told. */
class Watching implements Policy {
  readonly name = 'watching';
  readonly views: DecisionView[] = [];
  readonly perWorker?: boolean;

  constructor(
    private readonly answer: (view: DecisionView) => Decision,
    perWorker = false,
  ) {
    this.perWorker = perWorker;
  }

  decide(view: DecisionView): Decision {
    this.views.push(view);
    return this.answer(view);
  }

  get last(): DecisionView {
    const last = this.views.at(-1);
    if (last === undefined) throw new Error('the policy was not asked');
    return last;
  }
}

const runs =
  (subnet: number, batch = 1) =>
  (view: DecisionView) =>
    ({ kind: 'run', model: view.queues[0]?.model ?? '', batch, subnet }) as const;

describe('what a policy is shown', () => {
  it('is which subnet the worker has actuated, and the batch says what changing to another costs', () => {
    const policy = new Watching(runs(1));
    const { dispatcher, sent, report, complete } = pool(policy);
    dispatcher.setTable('m', 'fast', family);
    for (let i = 0; i < 6; i += 1) dispatcher.add(query(`q${i}`, 10_000));
    report('w1', 0);
    expect(policy.last.queues[0]?.actuated).toBe(-1);
    expect(sent[0]).toMatchObject({ expectedMs: 7, actuationMs: 5, subnetIndex: 1 });
    complete(sent[0], 7);
    dispatcher.run(7);
    expect(policy.last.queues[0]?.actuated).toBe(1);
    expect(sent[1]).toMatchObject({ expectedMs: 2, actuationMs: 0 });
    // A worker that refuses, measures or comes back as another life may have anything actuated.
    dispatcher.refused(sent[1]?.id ?? '', 'w1', 'e1', 8);
    report('w1', 9);
    expect(policy.last.queues[0]?.actuated).toBe(-1);
    complete(sent[2], 20);
    report('w1', 20, { accepting: false });
    report('w1', 21);
    expect(policy.last.queues[0]?.actuated).toBe(-1);
    report('w1', 22, { epoch: 'e2' });
    expect(policy.last.queues[0]?.actuated).toBe(-1);
  });

  it('is what has arrived, and how much work the minima make of it', () => {
    const policy = new Watching(runs(0));
    const { dispatcher, report } = pool(policy);
    dispatcher.setTable('m', 'fast', smallTable);
    // Any subnet, the middle one, the large one, and one that is not there.
    [0, 0.75, 0.85, 0.95].forEach((minAccuracy, i) => {
      dispatcher.add(query(`q${i}`, 1_000, { minAccuracy }));
    });
    report('w', 0);
    expect(policy.last.queues[0]).toMatchObject({ arrived: 4, workArrived: 1 + 2 + 4 });
  });

  it('is when the worker can begin, and how many others are free', () => {
    const policy = new Watching(runs(0));
    const { dispatcher, sent, report } = pool(policy, 0.5, 1);
    dispatcher.setTable('m', 'fast', smallTable);
    report('w1', 0, { slots: 2 });
    report('w2', 0);
    for (let i = 0; i < 3; i += 1) dispatcher.add(query(`q${i}`, 10_000));
    dispatcher.run(0);
    expect(policy.views.map(({ startMs, otherFreeWorkers }) => [startMs, otherFreeWorkers])).toEqual([
      [0, 1],
      [0, 0],
    ]);
    dispatcher.run(0.5);
    // The first worker's device is busy until 1.
    expect(policy.last).toMatchObject({ nowMs: 0.5, startMs: 1, otherFreeWorkers: 0, workers: 2 });
    expect(sent).toHaveLength(3);
  });

  it('is the floor of the query that is served first, which no decision undercuts', () => {
    let runnable: (number | undefined)[] = [];
    const policy = new Watching((view) => {
      runnable = [0, 1, 2].map((subnet) => view.queues[0]?.runnableOn(subnet));
      return runs(0, 4)(view);
    });
    const { dispatcher, sent, report } = pool(policy);
    dispatcher.setTable('m', 'fast', smallTable);
    dispatcher.add(query('q1', 1_000, { minAccuracy: 0.75 }));
    dispatcher.add(query('q2', 1_001, { minAccuracy: 0.85 }));
    dispatcher.add(query('q3', 1_002));
    report('w1', 0);
    const queue = policy.last.queues[0];
    expect(queue).toMatchObject({
      size: 3,
      runnable: 3,
      leastSubnet: 1,
      headDeadlineMs: 1_000,
      latestDeadlineMs: 1_002,
    });
    expect(runnable).toEqual([2, 2, 3]);
    expect(sent[0]).toMatchObject({ subnet: 'middle', queries: [{ id: 'q1' }, { id: 'q3' }] });
  });

  it('is whose deadline is how near, of all or of those that a subnet satisfies, which are those that it may skip', () => {
    const policy = new Watching((view) => {
      const [queue] = view.queues;
      let skip = 0;
      while ((queue?.deadlineMsAt(skip, 0) ?? 0) < 104) skip += 1;
      return { kind: 'run', model: 'm', batch: 2, subnet: 0, skip };
    });
    const { dispatcher, sent, report } = pool(policy);
    dispatcher.setTable('m', 'fast', smallTable);
    // Those at odd places ask for more than the small subnet has.
    for (let i = 0; i < 8; i += 1) dispatcher.add(query(`q${i}`, 100 + i, { minAccuracy: i % 2 === 0 ? 0 : 0.8 }));
    report('w1', 0);
    expect([0, 1, 2].map((k) => policy.last.queues[0]?.deadlineMsAt(k))).toEqual([100, 101, 102]);
    expect(sent[0]?.queries.map(({ id }) => id)).toEqual(['q4', 'q6']);
  });

  it('counts as arrived what arrived, however often it waits', () => {
    const policy = new Watching(runs(0));
    const { dispatcher, sent, report } = pool(policy);
    dispatcher.setTable('m', 'fast', smallTable);
    dispatcher.add(query('q1', 1_000));
    report('w1', 0);
    dispatcher.refused(sent[0]?.id ?? '', 'w1', 'e1', 1);
    report('w1', 2);
    dispatcher.lost('w1', 'e1', 3);
    report('w2', 4);
    expect(policy.last.queues[0]?.arrived).toBe(1);
  });

  it('is the whole system, for a policy that plans', () => {
    const { dispatcher, report } = pool(new Watching(runs(0)));
    dispatcher.setTable('m', 'fast', smallTable);
    dispatcher.setTable('m', 'slow', slowTable);
    dispatcher.add(query('q1', 100));
    dispatcher.run(0);
    report('w1', 0, { deviceClass: 'other' });
    expect(dispatcher.planView(0)).toMatchObject({
      models: [{ model: 'm', arrived: 1, queued: 1, sloMs: 100 }],
      workers: [{ id: 'w1', deviceClass: 'other', models: new Set(['m']) }],
    });
    expect([...(dispatcher.planView(0).models[0]?.tables.keys() ?? [])].sort()).toEqual(['fast', 'slow']);
  });
});

describe('a policy that waits', () => {
  const setupWaiting = (perWorker: boolean) => {
    const policy = new Watching((view) => ({ kind: 'wait', untilMs: view.nowMs + 5 }), perWorker);
    const asked = pool(policy);
    asked.dispatcher.setTable('m', 'fast', smallTable);
    for (let w = 0; w < 100; w += 1) asked.report(`w${w}`, 0);
    asked.dispatcher.add(query('q1', 1_000));
    asked.dispatcher.run(1);
    return { policy, ...asked };
  };

  it('speaks for all free workers of its kind, and is asked again when it said', () => {
    const { policy, dispatcher } = setupWaiting(false);
    expect(policy.views).toHaveLength(1);
    expect(policy.last.otherFreeWorkers).toBe(99);
    expect(dispatcher.nextWakeMs()).toBe(6);
  });

  it('speaks for one worker where its answers are about workers', () => {
    expect(setupWaiting(true).policy.views).toHaveLength(100);
  });
});

describe('several device classes', () => {
  it('leave to others what they have no subnet for, and serve what they can', () => {
    const { dispatcher, sent, expired, report } = pool(new SlackFit());
    dispatcher.setTable('m', 'fast', smallTable);
    dispatcher.setTable('m', 'slow', slowTable);
    dispatcher.add(query('q1', 500, { minAccuracy: 0.85 }));
    dispatcher.add(query('q2', 600, { minAccuracy: 0.75 }));
    report('slow', 0, { deviceClass: 'slow' });
    expect(sent[0]).toMatchObject({ workerId: 'slow', subnet: 'middle', queries: [{ id: 'q2' }] });
    report('fast', 1);
    expect(sent[1]).toMatchObject({ workerId: 'fast', subnet: 'large', queries: [{ id: 'q1' }] });
    expect(expired).toEqual([]);
  });

  it('let a query go at its deadline that none of them can satisfy, and nothing waits for it', () => {
    const { dispatcher, sent, expired, report } = pool(new SlackFit());
    dispatcher.setTable('m', 'fast', smallTable);
    dispatcher.add(query('q1', 50, { minAccuracy: 0.99 }));
    dispatcher.add(query('q2', 60));
    report('w1', 0);
    expect(sent.map((batch) => batch.queries.map(({ id }) => id))).toEqual([['q2']]);
    dispatcher.run(50);
    expect(expired).toEqual([]);
    expect(dispatcher.nextWakeMs()).toBeCloseTo(50, 2);
    dispatcher.run(dispatcher.nextWakeMs());
    expect(expired).toEqual(['q1']);
  });

  it('serve a query by a new version of the front as soon as that satisfies it', () => {
    const { dispatcher, sent, report } = pool(new SlackFit());
    dispatcher.setTable('m', 'fast', slowTable);
    dispatcher.add(query('q1', 1_000, { minAccuracy: 0.85 }));
    report('w1', 0);
    expect(sent).toEqual([]);
    dispatcher.setTable('m', 'fast', smallTable);
    dispatcher.run(1);
    expect(sent[0]).toMatchObject({ subnet: 'large', queries: [{ id: 'q1' }] });
  });
});
