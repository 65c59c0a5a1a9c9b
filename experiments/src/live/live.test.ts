import { findNatsBinary } from '@slackline/local';
import { expect, test } from 'vitest';
import type { Cell } from '../cells/cell.js';
import { slowed } from '../cells/device.js';
import { v100 } from '../cells/devices.js';
import { stretched } from './carried.js';
import { runLive } from './run-live.js';

const hasNats = await findNatsBinary({}).then(
  () => true,
  () => false,
);

const { sloMs, ...device } = v100();
const cell: Cell = {
  ...{ device, sloMs, workers: 2, policy: 'slackfit', seed: 1 },
  trace: { kind: 'gamma', rate: 1_600, cv2: 2, seconds: 2, seed: 1 },
  events: [{ kind: 'crash', atMs: 1_000, worker: 1 }],
};

test('stretching slows devices, gaps and limits alike', () => {
  const slow = stretched(cell, 4);
  expect(slow.sloMs).toBe(4 * sloMs);
  expect(slow.device).toEqual(slowed(device, 4));
  expect(slow.trace).toMatchObject({ rate: 400, seconds: 2 });
  expect(slow.device.subnets[0]?.p50Ms[0]).toBeCloseTo(4 * (device.subnets[0]?.p50Ms[0] ?? 0));
});

test.skipIf(!hasNats)(
  'a real system serves a cell, and loses the worker that is killed',
  { timeout: 60_000 },
  async () => {
    const said: string[] = [];
    const context = { signal: new AbortController().signal, progress: (text: string) => void said.push(text) };
    const result = await runLive(stretched(cell, 16), context);
    const { queries, ok, late, expired, failed, refused, unanswered } = result;
    expect(queries).toBeGreaterThan(100);
    expect(ok + late + expired + failed + refused + unanswered).toBe(queries);
    expect(unanswered).toBe(0);
    expect(ok).toBeGreaterThan(0);
    expect(result.killedAtMs).toHaveLength(1);
    expect(result.subnets.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    expect(result.windows.reduce((sum, { arrivals }) => sum + arrivals, 0)).toBe(queries);
    expect(said.some((text) => text.includes('warming up'))).toBe(true);
  },
);

test.skipIf(!hasNats)('an interruption ends what was started', { timeout: 60_000 }, async () => {
  const stop = new AbortController();
  const progress = (text: string) => {
    if (text.includes(' in time')) stop.abort(new Error('enough'));
  };
  await expect(runLive(stretched(cell, 16), { signal: stop.signal, progress })).rejects.toThrow('enough');
});
