import type { BatchCommand, Bus, BusMessage } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import { answersOf, bodiesInHand, fetchBodies } from './claims.js';

type Query = BatchCommand['queries'][number];
const query = (sequence: number, payload: Uint8Array | null): Query => ({
  id: `q${sequence}`,
  contentType: 'application/octet-stream',
  payload,
  sequence,
});
const bytes = (value: number) => Uint8Array.of(value);
const contentType = 'application/octet-stream';

/** A stream with the bodies of these queries by sequence, whose answers come in any order, and all only when all were asked for. */
function busWith(stored: Record<number, Uint8Array>, asks: number) {
  const waiting: (() => void)[] = [];
  const readMessage: Bus['readMessage'] = (_stream, sequence) =>
    new Promise((resolve) => {
      const data = stored[sequence];
      const headers = { get: () => (sequence === 5 ? 'another' : `tenant.q${sequence}`) };
      waiting.push(() => resolve(data === undefined ? undefined : ({ data, headers } as unknown as BusMessage)));
      if (waiting.length === asks) for (const answer of waiting.reverse()) answer();
    });
  return { readMessage } as Bus;
}

describe('bodies of a batch', () => {
  it('are in hand where all came with the command', () => {
    expect(bodiesInHand([query(1, bytes(1)), query(2, bytes(2))])).toEqual([
      { contentType, body: bytes(1) },
      { contentType, body: bytes(2) },
    ]);
    expect(bodiesInHand([query(1, bytes(1)), query(2, null)])).toBeUndefined();
  });

  it('are fetched all at once, in the order of the queries; one that is gone, or another’s, is its own error', async () => {
    const queries = [query(1, null), query(2, bytes(2)), query(3, null), query(4, null), query(5, null)];
    const fetched = await fetchBodies(busWith({ 1: bytes(1), 4: bytes(4), 5: bytes(5) }, 4), 'CLAIMS', queries);
    expect(fetched).toEqual([
      { contentType, body: bytes(1) },
      { contentType, body: bytes(2) },
      { error: expect.stringContaining('sequence 3') },
      { contentType, body: bytes(4) },
      { error: expect.stringContaining('Another query') },
    ]);
    const outputs = (value: number) => ({ outputs: bytes(value) });
    expect(answersOf(fetched, [outputs(10), outputs(20)])).toEqual([
      outputs(10),
      outputs(20),
      fetched[2],
      { error: 'The executor gave no answer' },
      fetched[4],
    ]);
  });
});
