import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byDeadline, EdfQueue } from './edf-queue.js';
import type { Query } from './query.js';
import { query } from './testing.js';

const anyQueries = fc
  .array(fc.record({ deadlineMs: fc.integer({ min: 0, max: 50 }), deaths: fc.constantFrom(0, 0, 0, 1) }), {
    maxLength: 200,
  })
  .map((all) => all.map((each, i) => query(`q${i}`, each.deadlineMs, each)));

function filled(queries: Query[]): EdfQueue<Query> {
  const queue = new EdfQueue<Query>();
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
    expect(queue.runnableWithHead).toBe(1);
    expect(queue.take(16).map((each) => each.id)).toEqual(['q2']);
    expect(queue.take(16).map((each) => each.id)).toEqual(['q5']);
  });

  it('removes exactly what lies before a deadline', () => {
    fc.assert(
      fc.property(anyQueries, fc.integer({ min: 0, max: 60 }), (queries, deadlineMs) => {
        const queue = filled(queries);
        const gone = queue.takeBefore(deadlineMs);
        expect(gone.map((each) => each.id).sort()).toEqual(
          queries
            .filter((each) => each.deadlineMs < deadlineMs)
            .map((each) => each.id)
            .sort(),
        );
        expect(queue.size).toBe(queries.length - gone.length);
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
