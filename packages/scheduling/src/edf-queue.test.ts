import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccuracyLevels } from './accuracy-levels.js';
import { byDeadline, EdfQueue } from './edf-queue.js';
import { priorityClasses, type Query } from './query.js';
import { anyTable, query, smallTable } from './testing.js';

const anyQueries = fc
  .array(
    fc.record({
      deadlineMs: fc.integer({ min: 0, max: 50 }),
      deaths: fc.constantFrom(0, 0, 0, 1),
      minAccuracy: fc.constantFrom(0, 0, 0.5, 0.705, 0.72, 0.8, 0.95),
      priority: fc.constantFrom(...priorityClasses),
    }),
    { maxLength: 200 },
  )
  .map((all) => all.map((each, i) => query(`q${i}`, each.deadlineMs, each)));

/** Levels 0.7, 0.8 and 0.9; a query that asks for more is in lane 3. */
const levels = new AccuracyLevels([smallTable]);
const conditions = { slowdown: 2, overheadMs: 1, reserveMs: 0 };

function filled(queries: Query[], of = levels): EdfQueue<Query> {
  const queue = new EdfQueue<Query>(of);
  for (const each of queries) queue.push(each);
  return queue;
}

describe('the EDF queue', () => {
  it('gives back every query once, earliest deadline first, whatever the batch sizes', () => {
    fc.assert(
      fc.property(anyQueries, fc.integer({ min: 1, max: 20 }), (queries, most) => {
        const queue = filled(queries);
        const taken: Query[] = [];
        while (queue.size > 0) {
          const head = queue.head();
          const batch = queue.take(most);
          expect(batch[0]).toBe(head);
          expect(batch).toEqual([...batch].sort(byDeadline));
          taken.push(...batch);
        }
        expect([...taken].sort(byDeadline)).toEqual([...queries].sort(byDeadline));
        const together = taken.filter((each) => each.deaths === 0);
        expect(together).toEqual([...together].sort(byDeadline));
      }),
    );
  });

  it('lets what a lost worker held run alone, when it is the most urgent', () => {
    const queue = filled([query('q1', 10), query('q2', 5, { deaths: 1 }), query('q3', 5), query('q4', 4)]);
    expect(queue.take(16).map((each) => each.id)).toEqual(['q4', 'q3', 'q1']);
    queue.push(query('q5', 6));
    expect(queue.runnable()).toBe(1);
    expect(queue.take(16).map((each) => each.id)).toEqual(['q2']);
    expect(queue.take(16).map((each) => each.id)).toEqual(['q5']);
  });

  it('fills a batch in EDF order with those that its subnet satisfies, and passes over the others', () => {
    fc.assert(
      fc.property(
        anyQueries,
        fc.integer({ min: 0, max: 2 }),
        fc.integer({ min: 1, max: 20 }),
        (queries, level, most) => {
          const queue = filled(queries);
          const scope = { mostLevel: level, byClass: false };
          const accuracy = levels.accuracies[level] ?? 0;
          const fitting = queries.filter(({ minAccuracy }) => minAccuracy <= accuracy).sort(byDeadline);
          expect(queue.head(scope)).toBe(fitting[0]);
          expect(queue.sizeIn(scope)).toBe(fitting.length);
          const together = fitting.filter(({ deaths }) => deaths === 0);
          const isAlone = (fitting[0]?.deaths ?? 0) > 0;
          expect(queue.runnable(scope)).toBe(isAlone ? 1 : together.length);
          expect(queue.take(most, undefined, scope)).toEqual(isAlone ? fitting.slice(0, 1) : together.slice(0, most));
        },
      ),
    );
  });

  it('serves by class, and in EDF order within one, when it is told to', () => {
    fc.assert(
      fc.property(anyQueries, fc.integer({ min: 1, max: 20 }), (queries, most) => {
        const queue = filled(queries);
        const byClass = (a: Query, b: Query) => b.priority - a.priority || byDeadline(a, b);
        const first = [...queries].sort(byClass)[0];
        const together = queries.filter(({ deaths }) => deaths === 0).sort(byClass);
        const batch = queue.take(most, undefined, { mostLevel: 3, byClass: true });
        expect(batch).toEqual((first?.deaths ?? 0) > 0 ? [first] : together.slice(0, most));
      }),
    );
  });

  it('takes those behind the most urgent and leaves these waiting, unless nothing is behind them', () => {
    const scope = { mostLevel: 3, byClass: false };
    const queue = filled([query('q1', 10), query('q2', 20), query('q3', 30), query('q4', 40)]);
    expect(queue.takeBehind(1, 2, 100, scope).map((each) => each.id)).toEqual(['q2', 'q3']);
    expect(queue.head()?.id).toBe('q1');
    expect(queue.takeBehind(2, 1, 100, scope).map((each) => each.id)).toEqual(['q1']);
    expect(queue.takeBehind(0, 1, 100, scope).map((each) => each.id)).toEqual(['q4']);
    expect(queue.takeBehind(3, 1, 100, scope)).toEqual([]);
  });

  it('walks the deadlines in order without taking anything out', () => {
    fc.assert(
      fc.property(anyQueries, fc.integer({ min: 0, max: 3 }), (queries, level) => {
        const queue = filled(queries);
        const walk = queue.walk({ least: 0, most: level });
        const deadlines = queries
          .filter(({ minAccuracy }) => minAccuracy <= (levels.accuracies[level] ?? 1))
          .map(({ deadlineMs }) => deadlineMs)
          .sort((a, b) => a - b);
        for (let k = deadlines.length; k >= 0; k -= 7)
          expect(walk.at(k)).toBe(deadlines[k] ?? Number.POSITIVE_INFINITY);
        expect(queue.size).toBe(queries.length);
      }),
    );
  });

  it('counts for each query its own floor, and for one that nothing satisfies its deadline', () => {
    fc.assert(
      fc.property(anyQueries, fc.integer({ min: 0, max: 60 }), (queries, nowMs) => {
        const queue = filled(queries);
        // One query takes 1, 2 or 4 ms by its floor.
        const reachMs = ({ minAccuracy }: Query) =>
          minAccuracy > 0.9 ? 0 : (minAccuracy > 0.8 ? 4 : minAccuracy > 0.7 ? 2 : 1) * 2 + 1;
        const isOut = (each: Query) => each.deadlineMs - reachMs(each) < nowMs;
        const untilMs = Math.min(Number.POSITIVE_INFINITY, ...queries.map((each) => each.deadlineMs - reachMs(each)));
        expect(queue.reachableUntilMs(conditions)).toBe(untilMs);
        const gone = queue.takeUnreachable(nowMs, conditions);
        expect([...gone].sort(byDeadline)).toEqual(queries.filter(isOut).sort(byDeadline));
        expect(queue.takeAll()).toEqual(queries.filter((each) => !isOut(each)).sort(byDeadline));
      }),
    );
  });

  it('removes of one class exactly what lies before a deadline', () => {
    fc.assert(
      fc.property(
        anyQueries,
        fc.integer({ min: 0, max: 60 }),
        fc.constantFrom(...priorityClasses),
        (queries, ms, priority) => {
          const queue = filled(queries);
          const isGone = (each: Query) => each.priority === priority && each.deadlineMs < ms;
          expect(queue.takeBefore(ms, priority).sort(byDeadline)).toEqual(queries.filter(isGone).sort(byDeadline));
          expect(queue.size).toBe(queries.filter((each) => !isGone(each)).length);
        },
      ),
    );
  });

  it('sorts what waits anew when a front is replaced', () => {
    fc.assert(
      fc.property(anyQueries, anyTable, anyTable, (queries, before, after) => {
        const moved = filled(queries, new AccuracyLevels([before]));
        moved.setLevels(new AccuracyLevels([after]));
        const fresh = filled(queries, new AccuracyLevels([after]));
        for (let level = 0; level <= after.subnets.length; level += 1) {
          const scope = { mostLevel: level, byClass: false };
          expect(moved.runnable(scope)).toBe(fresh.runnable(scope));
          expect(moved.take(3, undefined, scope)).toEqual(fresh.take(3, undefined, scope));
        }
        expect(moved.takeAll()).toEqual(fresh.takeAll());
      }),
    );
  });

  it('knows what its queries take at best, however they came and went', () => {
    fc.assert(
      fc.property(anyQueries, fc.integer({ min: 1, max: 20 }), (queries, most) => {
        const queue = filled(queries);
        queue.take(most, undefined, { mostLevel: 1, byClass: false });
        const demands = priorityClasses.map((priority) => {
          const { work, latestMs } = queue.demandOf(priority);
          return { work, latestMs };
        });
        const left = queue.takeAll();
        for (const priority of priorityClasses) {
          const ofClass = left.filter((each) => each.priority === priority);
          // The subnets take 1, 2 and 4 ms for one query; what nothing can serve is no work.
          const workOf = ({ minAccuracy }: Query) => [1, 2, 4][levels.levelOf(minAccuracy)] ?? 0;
          expect(demands[priority]?.work).toBeCloseTo(ofClass.reduce((sum, each) => sum + workOf(each), 0));
          for (const { deadlineMs } of ofClass) expect(demands[priority]?.latestMs).toBeGreaterThanOrEqual(deadlineMs);
        }
      }),
    );
  });

  it('bounds a batch by bytes, but never below one query', () => {
    const queue = filled([
      query('q1', 1, { bytes: 100 }),
      query('q2', 2, { bytes: 10 }),
      query('q3', 3, { bytes: 10 }),
    ]);
    expect(queue.take(16, 50).map((each) => each.id)).toEqual(['q1']);
    expect(queue.take(16, 15).map((each) => each.id)).toEqual(['q2']);
    expect(queue.take(16, 15).map((each) => each.id)).toEqual(['q3']);
  });
});
