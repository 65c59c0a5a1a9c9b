/** `npm start` as a person or a program sees it: the whole system under a real load. */
import type { RunDocument } from '@slackline/cli';
import { describe, expect, it } from 'vitest';
import { because, reasonToSkip, Slackline } from './slackline.js';

// The first run on a machine measures its latency profile.
const runLimitMs = 300_000;

const accountedFor = ({ outcomes }: RunDocument) => outcomes.ok + outcomes.late + outcomes.expired + outcomes.failed;

describe.skipIf(reasonToSkip !== undefined)(`slackline --json${because}`, () => {
  it(
    'accounts for every query that the stream accepted',
    async () => {
      const run = await Slackline.result(['--seconds', '8']);
      expect(run.published).toBeGreaterThan(0);
      expect(run.accepted).toBe(accountedFor(run));
      expect(run.accepted + run.refused.overloaded + run.refused.other).toBe(run.published);
      expect(run).toMatchObject({
        unanswered: 0,
        duplicates: 0,
        workersLost: 0,
        executor: 'cpu',
        interrupted: false,
        outcomes: { failed: 0 },
        refused: { other: 0 },
      });
      // A trained network: far above the 10 % of guessing, and near what the profile says of the subnets that answered.
      // By chance about 3,700 answers that are right nine times in ten are off by half a percent: 0.02 is four times that.
      expect(Math.abs((run.measuredAccuracy ?? 0) - (run.profiledAccuracy ?? 1))).toBeLessThan(0.02);
    },
    runLimitMs,
  );

  it(
    'loses and repeats no query when a worker is killed, and meets the deadlines again within two seconds',
    async () => {
      // What the death leaves undone is asserted of every run. Deadlines of 36 ms are also missed when the machine stands
      // still for a moment; that does not happen in three runs at the same place.
      let worst = 0;
      for (let attempt = 0; attempt < 3 && worst < 0.99; attempt += 1) worst = await worstSpanAfterKill();
      expect(worst).toBeGreaterThanOrEqual(0.99);
    },
    runLimitMs,
  );
});

/** The least attainment of any two seconds that begin two seconds after a kill or later. */
async function worstSpanAfterKill(): Promise<number> {
  const load = ['--rate', '250', '--arrival-pattern', 'poisson', '--seconds', '12'];
  const run = await Slackline.result(['--workers', '2', '--kill-worker-at', '4', ...load]);
  expect(run.accepted).toBe(accountedFor(run));
  expect(run.accepted).toBe(run.published);
  expect(run).toMatchObject({ unanswered: 0, duplicates: 0, workers: 2, workersLost: 1, outcomes: { failed: 0 } });
  expect(run.sloMs).toBe(36);

  const killedAtMs = run.workerKilledAtMs ?? Number.NaN;
  expect(Math.round(killedAtMs / 1_000)).toBe(4);
  const later = run.windows.filter((window) => window.atMs >= killedAtMs + 2_000);
  const attainments = spans(later, 4).map((span) => sum(span, 'ok') / sum(span, 'sent'));
  expect(attainments.length).toBeGreaterThan(0);
  return Math.min(...attainments);
}

/** Every `length` neighbouring windows. */
function spans(windows: RunDocument['windows'], length: number): RunDocument['windows'][] {
  return windows.slice(length - 1).map((_, i) => windows.slice(i, i + length));
}

function sum(windows: RunDocument['windows'], field: 'sent' | 'ok'): number {
  return windows.reduce((total, window) => total + window[field], 0);
}
