/** What the leader tells the ingests of a backlog that cannot be carried. */
import { type BacklogReport, backlogReport, headerNames, unpack } from '@slackline/shared';
import { expect, it } from 'vitest';
import { bus, scheduler, store, subjects, TestWorker } from './harness.js';

it('is told, by class, while a model is overloaded, and once that it is so no more', async () => {
  const told: BacklogReport[] = [];
  bus.subscribe(subjects.backlog, ({ data }) => told.push(unpack('backlog', backlogReport, data)));
  await scheduler({ BATCH_OVERDUE_MS: '60000' });
  const worker = await TestWorker.join('w1');
  // The worker has its first batch and ends none: the others wait. On the large subnet it carries one in 4 ms at best.
  const replyTo = bus.newInbox();
  const send = (i: number, priority: string, budgetMs: number) =>
    store(`q${i}`, budgetMs, {
      [headerNames.replyTo]: replyTo,
      [headerNames.priority]: priority,
      [headerNames.minAccuracy]: '0.9',
    });
  await send(0, 'normal', 5_000);
  await worker.command();
  expect(told).toEqual([]);
  // It could be carried, and vouches for no other.
  await send(901, 'low', 60_000);
  await Promise.all(Array.from({ length: 900 }, (_, i) => send(i + 1, i % 3 === 0 ? 'high' : 'low', 3_000)));
  await expect.poll(() => told.at(-1)?.models.at(0)?.low.takesMs, { timeout: 10_000 }).toBeGreaterThan(3_000);
  const report = told.flatMap(({ models }) => models).reduce((a, b) => (b.low.takesMs > a.low.takesMs ? b : a));
  expect(report.model).toBe('m');
  expect(report.capacityPerMs).toBeCloseTo(0.25, 2);
  expect(report.low.takesMs).toBeGreaterThan(2 * report.high.takesMs);
  expect(report.high.takesMs).toBeGreaterThan(500);
  expect(report.normal.takesMs).toBe(report.high.takesMs);
  expect(report.low.within.map(({ sloMs }) => sloMs)).toEqual([4_096]);
  expect(report.low.within[0]?.takesMs).toBeLessThan(report.low.takesMs);
  expect(report.high.within).toEqual([]);
  // All but that one expire, and a second later the overload is over.
  await expect.poll(() => told.at(-1)?.models, { timeout: 10_000 }).toEqual([]);
});
