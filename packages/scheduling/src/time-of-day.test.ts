import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Batch } from './batch.js';
import { Dispatcher } from './dispatcher.js';
import { LatencyTable } from './latency-table.js';
import { createPolicy } from './policies/registry.js';
import type { Query } from './query.js';
import { query } from './testing.js';

const table = new LatencyTable([{ id: 's', accuracy: 0.7 }], [1, 2, 4, 8, 16], [[1.4, 1.9, 2.7, 4.6, 8]]);

/** One worker becomes free when more waits than it can do, the most urgent of it with too little slack for a full batch. */
function serveOnce(policy: string, nowMs: number) {
  const given: string[] = [];
  const sent: Batch<Query>[] = [];
  const effects = {
    send: (batch: Batch<Query>) => void sent.push(batch),
    expired: ({ id }: Query) => void given.push(id),
    failed: () => {},
    fenced: () => {},
  };
  const dispatcher = new Dispatcher<Query>(createPolicy(policy), effects, {
    ...{ conditions: { slowdown: 1, overheadMs: 1, reserveMs: 6 }, maxBatch: 256, maxBatchBytes: 1e6 },
    ...{ deadAfterMs: 1e9, overdueMs: 1e9 },
  });
  dispatcher.setTable('m', 'd', table);
  for (let i = 0; i < 400; i += 1) dispatcher.add(query(`q${i}`, nowMs + 7.05 + i / 10));
  const worker = { workerId: 'w', epoch: 'e', deviceClass: 'd', models: new Set(['m']), accepting: true };
  dispatcher.report({ ...worker, batchId: undefined }, nowMs);
  return { given: given.length, sent: sent.map(({ queries }) => queries.length) };
}

// Times since 1970 have steps of a quarter of a microsecond, which no choice may hang on.
it.each(['budgetfit', 'slackfit', 'maxbatch'])('%s gives up as much at any time of day', (policy) => {
  const atFirst = serveOnce(policy, 0);
  expect(atFirst.given).toBeGreaterThan(0);
  const today = fc.double({ min: Date.UTC(2026, 0), max: Date.UTC(2027, 0), noNaN: true });
  fc.assert(
    fc.property(today, (nowMs) => {
      expect(serveOnce(policy, nowMs)).toEqual(atFirst);
    }),
  );
});
