/** Several models, device classes and versions on one pool, whatever happens. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Batch } from './batch.js';
import type { LatencyTable } from './latency-table.js';
import { SlackFit } from './policies/slackfit.js';
import { priorityClasses, type Query } from './query.js';
import { family, pool, query, slowTable, smallTable } from './testing.js';

describe('several models on one pool', () => {
  it('end every query once, never below its minimum or on a worker without its model, and leave no worker idle', () => {
    const anyWorker = fc.record({
      worker: fc.nat(3),
      deviceClass: fc.constantFrom('fast', 'slow'),
      models: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
      slots: fc.constantFrom(1, 2),
    });
    const anyEvent = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant('arrive' as const),
          model: fc.constantFrom('a', 'b', 'c'),
          within: fc.integer({ min: 1, max: 120 }),
          minAccuracy: fc.constantFrom(0, 0, 0.75, 0.85, 0.95),
          priority: fc.constantFrom(...priorityClasses),
        }),
      },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('complete' as const), pick: fc.nat(9) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('refuse' as const), pick: fc.nat(9) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('join' as const), of: anyWorker }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose' as const), worker: fc.nat(3) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('version' as const),
          model: fc.constantFrom('a', 'b', 'c'),
          deviceClass: fc.constantFrom('fast', 'slow'),
          table: fc.constantFrom(smallTable, slowTable, family, undefined),
        }),
      },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 30 }) }) },
    );
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 150 }), (events) => {
        const { dispatcher, sent, expired, failed, report, complete } = pool(new SlackFit(), 2);
        const tables = new Map<string, LatencyTable>();
        const setTable = (model: string, deviceClass: string, table: LatencyTable | undefined) => {
          if (table === undefined) tables.delete(`${model} ${deviceClass}`);
          else tables.set(`${model} ${deviceClass}`, table);
          dispatcher.setTable(model, deviceClass, table);
        };
        for (const model of ['a', 'b', 'c']) setTable(model, 'fast', smallTable);
        setTable('a', 'slow', slowTable);
        const workers = new Map<string, { epoch: string; deviceClass: string; models: string[]; slots: number }>();
        const out = new Set<Batch<Query>>();
        const heldBy = (workerId: string) => [...out].filter((batch) => batch.workerId === workerId);
        const takeBack = (batches: readonly Batch<Query>[]) => {
          for (const batch of batches) {
            out.delete(batch);
            for (const each of batch.queries) waiting.set(each.id, each);
          }
        };
        const refusing = new Set<string>();
        const waiting = new Map<string, Query>();
        const answered: string[] = [];
        let [now, arrived, lives, seen, gone] = [0, 0, 0, 0, 0];
        for (const event of events) {
          if (event.kind === 'pass') now += event.ms;
          if (event.kind === 'arrive') {
            arrived += 1;
            const each = query(`q${arrived}`, now + event.within, { ...event, bytes: 1 });
            waiting.set(each.id, each);
            dispatcher.add(each);
          }
          if (event.kind === 'version') setTable(event.model, event.deviceClass, event.table);
          if (event.kind === 'join') {
            lives += 1;
            const id = `w${event.of.worker}`;
            takeBack(heldBy(id));
            refusing.delete(id);
            workers.set(id, { epoch: `e${lives}`, ...event.of });
            report(id, now, { epoch: `e${lives}`, ...event.of });
          }
          if (event.kind === 'lose') {
            const id = `w${event.worker}`;
            takeBack(heldBy(id));
            dispatcher.lost(id, workers.get(id)?.epoch ?? '', now);
            workers.delete(id);
          }
          if (event.kind === 'complete' || event.kind === 'refuse') {
            const batch = [...out][event.pick];
            if (batch === undefined) continue;
            out.delete(batch);
            if (event.kind === 'complete') {
              expect(complete(batch, now)).toBe(batch);
              answered.push(...batch.queries.map(({ id }) => id));
            } else {
              refusing.add(batch.workerId);
              for (const each of batch.queries) waiting.set(each.id, each);
              dispatcher.refused(batch.id, batch.workerId, batch.epoch, now);
            }
          }
          dispatcher.run(now);
          for (; seen < sent.length; seen += 1) {
            const batch = sent[seen];
            if (batch === undefined) break;
            const { workerId, model, accuracy, queries } = batch;
            expect(heldBy(workerId).length).toBeLessThan(workers.get(workerId)?.slots ?? 0);
            expect(workers.get(workerId)?.models).toContain(model);
            expect(queries.length).toBeLessThanOrEqual(3);
            for (const each of queries) {
              expect(each.model).toBe(model);
              expect(each.minAccuracy).toBeLessThanOrEqual(accuracy);
              waiting.delete(each.id);
            }
            out.add(batch);
          }
          for (; gone < expired.length; gone += 1) waiting.delete(expired[gone] ?? '');
          for (const id of failed) waiting.delete(id);
          const held = [...dispatcher.inFlight()].flatMap((batch) => batch.queries.map(({ id }) => id));
          const ended = [...answered, ...expired, ...failed];
          expect(new Set([...ended, ...held]).size).toBe(ended.length + held.length);
          expect(ended.length + held.length + dispatcher.queued).toBe(arrived);
          expect(waiting.size).toBe(dispatcher.queued);
          for (const [id, { models, deviceClass }] of workers) {
            if (heldBy(id).length > 0 || refusing.has(id)) continue;
            const idle = [...waiting.values()].filter(({ model, minAccuracy }) => {
              const best = tables.get(`${model} ${deviceClass}`)?.subnets.at(-1)?.accuracy ?? -1;
              return models.includes(model) && minAccuracy <= best;
            });
            expect(idle).toEqual([]);
          }
          expect(dispatcher.nextWakeMs()).toBeGreaterThan(now);
        }
      }),
    );
  });
});
