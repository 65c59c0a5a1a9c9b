import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Budget } from '../budget.js';
import type { Contender, StepAsked } from '../contender.js';
import { ratioOf } from '../document.js';
import { type Pace, shortened } from '../pace.js';
import { rateAt, rungOf } from '../search/ladder.js';
import { overheadOf } from './overhead.js';
import { inRounds } from './rounds.js';

const pace: Pace = {
  ...{ stepSeconds: 10, probeSeconds: 2, warmUpSeconds: 8, rounds: 3, stepsARound: 3, measureSeconds: 5, pauseMs: 0 },
};

/** Carries every rate up to one that may change from start to start, and notes what is done to it. */
function simulated(name: string, carries: readonly number[], log: string[]): Contender {
  let starts = 0;
  return {
    name,
    async start() {
      const highest = carries[Math.min(starts++, carries.length - 1)] ?? 0;
      log.push(`${name} starts`);
      return {
        pids: () => ({ load: process.pid }),
        stop: async () => void log.push(`${name} stops`),
        step: async ({ rate, seconds }: StepAsked) => {
          const attainment = rate <= highest ? 1 : 0.9;
          return {
            ...{ rate, seconds, sent: rate * seconds, back: rate * seconds, within36: attainment, attainment },
            latencyMs: { p50: 1, p99: 2, p999: 3 },
            sendLagMs: { p99: rate > 9_000 ? 7 : 0, max: 9 },
          };
        },
      };
    },
  };
}

const settings = { storage: 'memory', payloadBytes: 784 } as const;
const context = () => ({
  pace,
  time: new Budget(600).part(1, 0),
  signal: new AbortController().signal,
  say: () => {},
  trouble: () => {},
});

describe('rounds', () => {
  test('take turns, begin where the last round ended, and end with the middle of them', {
    timeout: 60_000,
  }, async () => {
    const log: string[] = [];
    const turns = [
      { contender: simulated('slackline', [6_000, 4_990, 6_000], log), from: rungOf(5_000) },
      { contender: simulated('ceiling', [10_000], log), from: rungOf(8_750) },
    ];
    const { slackline, ceiling } = await inRounds(turns, settings, context());
    expect(log.slice(0, 4)).toEqual(['slackline starts', 'slackline stops', 'ceiling starts', 'ceiling stops']);
    expect(log).toHaveLength(12);
    if (slackline === undefined || ceiling === undefined) throw new Error('a contender is missing');
    expect(slackline.rounds).toHaveLength(3);
    expect(slackline.rounds.every(({ qps }) => qps <= 6_000)).toBe(true);
    expect(slackline.rounds[1]?.qps).toBeLessThanOrEqual(4_990);
    expect(slackline.qps).toBe(slackline.rounds.map(({ qps }) => qps).sort((a, b) => a - b)[1]);
    expect(slackline.attainment).toBe(1);
    expect(ceiling.qps).toBe(rateAt(2));
    expect(ceiling.rates).toContainEqual({ rate: rateAt(2), tried: 3, passed: 3 });
    expect(ceiling.rates.filter(({ rate }) => rate > 10_000).every(({ passed }) => passed === 0)).toBe(true);
    expect(ceiling.steps.filter(({ lagged }) => lagged).every(({ rate }) => rate > 9_000)).toBe(true);
    expect(ratioOf(slackline, ceiling)?.byRound).toHaveLength(3);
  });

  test('what is ended on the way is stopped first', async () => {
    const log: string[] = [];
    const stop = new AbortController();
    const running = inRounds([{ contender: simulated('slackline', [1], log), from: 0 }], settings, {
      ...context(),
      signal: stop.signal,
    });
    await sleep(10);
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow();
    expect(log).toEqual(['slackline starts', 'slackline stops']);
  });

  test('shortened settings are shorter', () => {
    expect(shortened(pace).stepSeconds).toBeLessThan(pace.stepSeconds);
  });
});

test('overhead is the round trip less the time on the device, of each query that was answered', () => {
  const columns = {
    sentMs: Float64Array.of(0, 10, 20, 30),
    endedMs: Float64Array.of(5, 17, 22, Number.NaN),
    inferenceMs: Float32Array.of(4, 5, Number.NaN, Number.NaN),
  };
  expect(overheadOf(columns)).toMatchObject({
    queries: 2,
    ...{ p50: 1, p99: 2 },
    roundTripMs: { p50: 5, p99: 7 },
    deviceMs: { p50: 4, p99: 5 },
  });
});
