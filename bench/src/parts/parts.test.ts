import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Budget } from '../budget.js';
import type { Contender, StepAsked } from '../contender.js';
import { ratioOf } from '../document.js';
import { type Pace, shortened } from '../pace.js';
import { rungOf } from '../search/ladder.js';
import { timesOf } from '../slackline/figures.js';
import type { Stage } from '../stage.js';
import { step } from '../testing/step.js';
import { type Highest, highestOf, middle, type NothingFound, roundOf } from './highest.js';
import { middleOf } from './overhead.js';
import { inRounds } from './rounds.js';
import { oursOf, runsOf, type TraceRun } from './trace.js';

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
            sendLagMs: { p99: rate > 9_000 ? 7 : 0, p999: 8, max: 9 },
            ...{ duplicates: 0, unended: 0 },
          };
        },
      };
    },
  };
}

function carried(highest: Highest | NothingFound | undefined): Highest {
  if (highest === undefined || !('qps' in highest)) throw new Error('a contender carried nothing');
  return highest;
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
    const found = await inRounds(turns, settings, context());
    const { slackline, ceiling } = { slackline: carried(found.slackline), ceiling: carried(found.ceiling) };
    expect(log.slice(0, 4)).toEqual(['slackline starts', 'slackline stops', 'ceiling starts', 'ceiling stops']);
    expect(log).toHaveLength(12);
    expect(slackline.rounds).toHaveLength(3);
    expect(slackline.rounds.every(({ qps = 0 }) => qps > 0 && qps <= 6_000)).toBe(true);
    expect(slackline.rounds[1]?.qps).toBeLessThanOrEqual(4_990);
    expect(slackline.qps).toBe(slackline.rounds.map(({ qps = 0 }) => qps).sort((a, b) => a - b)[1]);
    expect(slackline.rounds.every(({ qps = 0, failed }) => failed === undefined || failed > qps)).toBe(true);
    expect(slackline.attainment).toBe(1);
    expect(ceiling.qps).toBeLessThanOrEqual(10_000);
    expect(ceiling.rates.find(({ rate }) => rate === ceiling.qps)).toMatchObject({ tried: ceiling.tried });
    expect(ceiling.rates.filter(({ rate }) => rate > 10_000).every(({ passed }) => passed === 0)).toBe(true);
    expect(ceiling.steps.filter(({ lagged }) => lagged).every(({ rate }) => rate > 9_000)).toBe(true);
    expect(ratioOf(slackline, ceiling)?.byRound).toHaveLength(3);
  });

  test('what is measured after a search is told its rate, does not count as one of its steps, and needs time', async () => {
    const told: (number | undefined)[] = [];
    const afterwards = (seconds: number) => ({
      seconds,
      async measure(stage: Stage, qps: number | undefined) {
        told.push(qps);
        await stage.step('step', { rate: 20_000, seconds: 1 });
      },
    });
    const turn = { contender: simulated('slackline', [6_000], []), from: rungOf(5_000) };
    const once = { ...context(), pace: { ...pace, rounds: 1 } };
    const { slackline } = await inRounds([{ ...turn, afterwards: afterwards(1) }], settings, once);
    expect(told).toEqual([carried(slackline).rounds[0]?.qps]);
    expect(slackline?.steps.some(({ rate }) => rate === 20_000)).toBe(false);
    await inRounds([{ ...turn, afterwards: afterwards(1_000) }], settings, once);
    expect(told).toHaveLength(1);
  });

  test('a contender that carries nothing has failed, and keeps its steps', async () => {
    const troubles: string[] = [];
    const turns = [{ contender: simulated('slackline', [0], []), from: -100 }];
    const all = { ...context(), pace: { ...pace, rounds: 1 }, trouble: (text: string) => void troubles.push(text) };
    const { slackline } = await inRounds(turns, settings, all);
    expect(slackline).toMatchObject({ failed: '1 of 1 rounds held no rate' });
    expect(slackline).not.toHaveProperty('qps');
    expect(slackline?.steps.filter(({ kind }) => kind === 'step').length).toBeGreaterThan(0);
    expect(troubles).toEqual(['slackline: 1 of 1 rounds held no rate']);
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
  expect(timesOf(columns)).toMatchObject({
    overheadMs: { p50: 1, p99: 2 },
    roundTripMs: { p50: 5, p99: 7 },
    deviceMs: { p50: 4, p99: 5 },
  });
});

test('of several rounds each percentile is the middle one, and each round is told', () => {
  const at = (p50: number, p99: number) => ({ p50, p99, p999: p99 });
  const round = (p50: number, p99: number, relays: number) => ({
    ...at(p50, p99),
    queries: 500,
    ...{ roundTripMs: at(p50 + 1, p99 + 1), deviceMs: at(1, 1), relaysMs: at(relays, 2 * relays) },
  });
  expect(middleOf([round(1.2, 9, 0.8), round(2, 4, 1.2), round(1.4, 5, 1.4)])).toEqual({
    ...at(1.4, 5),
    queries: 1_500,
    ...{ roundTripMs: at(2.4, 6), deviceMs: at(1, 1), relaysMs: at(1.2, 2.4) },
    rounds: [
      { p50: 1.2, relaysP50: 0.8 },
      { p50: 2, relaysP50: 1.2 },
      { p50: 1.4, relaysP50: 1.4 },
    ],
  });
  expect(middleOf([round(1.2, 9, 0.8), round(2, 4, 1.2)])).toMatchObject({ ...at(2, 9), relaysMs: at(1.2, 2.4) });
});

describe('the highest rate', () => {
  test('is the middle of the rounds, one without any lowest; its attainment is that of all its steps', () => {
    const [good, fair] = [step('slackline', 9_000, 1), step('slackline', 9_000, 0.9985)];
    const high = step('slackline', 9_500, 0.9995);
    const rounds = [
      [good, high],
      [fair, good, step('slackline', 9_200, 0.9)],
      [step('slackline', 9_200, 0.99), step('slackline', 8_500, 0.99)],
    ];
    const highest = carried(highestOf(rounds, rounds.flat()));
    expect(highest).toMatchObject({ qps: 9_000, tried: 3, passed: 2 });
    expect(highest.attainment).toBeCloseTo((2 + 0.9985) / 3, 10);
    expect(highest.rounds).toEqual([
      { tried: 2, qps: 9_500 },
      { tried: 3, qps: 9_000, failed: 9_200 },
      { tried: 2, failed: 8_500 },
    ]);
  });

  test('is one that all of its steps held together, not the luckiest of them', () => {
    const [good, bad] = [step('slackline', 9_000, 1), step('slackline', 9_000, 0.99)];
    const [low, low2] = [step('slackline', 8_500, 1), step('slackline', 8_500, 0.9999)];
    const rounds = [
      [low, good],
      [low2, good],
      [good, bad, low],
    ];
    expect(carried(highestOf(rounds, rounds.flat()))).toMatchObject({ qps: 8_500, tried: 3, passed: 3 });
    expect(highestOf([[good], [bad, good]], [good, bad, good])).toMatchObject({ failed: expect.any(String) });
  });

  test('is told by steps that were sent at their rate alone', () => {
    const late = step('slackline', 9_000, 1);
    const lagging = { ...late, passed: false, sendLagMs: { ...late.sendLagMs, p999: 100 } };
    const fair = step('slackline', 9_000, 0.9985);
    expect(roundOf([late, fair])).toEqual({ tried: 2, qps: 9_000 });
    expect(roundOf([lagging, fair])).toEqual({ tried: 1, failed: 9_000 });
    expect(highestOf([[lagging]], [lagging])).toMatchObject({ skipped: expect.any(String) });
  });

  test('is not known where most rounds found none, and a round that was broken off says nothing', () => {
    const [good, bad] = [step('slackline', 9_000, 1), step('slackline', 9_000, 0.9)];
    expect(highestOf([[good], [bad]], [good, bad])).toMatchObject({ failed: '1 of 2 rounds held no rate' });
    expect(highestOf([[good], []], [good])).toMatchObject({ qps: 9_000 });
    expect(highestOf([[]], [])).toMatchObject({ skipped: expect.any(String) });
    expect(roundOf([step('slackline', 9_000, 0.9, 'probe')])).toEqual({ tried: 0 });
  });

  test('the middle of the rounds is one of them', () => {
    expect(middle([])).toBeUndefined();
    expect(middle([3])).toBe(3);
    expect(middle([9, 1])).toBe(1);
    expect(middle([5, 9, 1])).toBe(5);
  });
});

describe('the trace', () => {
  const runsWith = async (attainments: Record<string, number[]>, seconds = 100) => {
    const ran: string[] = [];
    const run = async (policy: string) => {
      ran.push(policy);
      return { policy, attainment: attainments[policy]?.shift() ?? 0, accuracy: 0.5 } as TraceRun;
    };
    const time = { left: () => seconds - ran.length, has: (wanted: number) => seconds - ran.length >= wanted };
    const runs = await runsOf({ policy: 'ours', fixed: ['a', 'b', 'c', 'd'] }, { ...context(), time }, 1, run);
    return { ran, ...runs };
  };

  test('runs ours first and last, a fixed subnet that nearly attains it twice, and none after two that do not', async () => {
    const near = await runsWith({ ours: [1, 0.9998], a: [0.9985, 1], b: [0.99], c: [0.9985, 0.9985], d: [1] });
    expect(near.ran).toEqual(['ours', 'a', 'a', 'b', 'c', 'c', 'ours']);
    expect([near.missed, near.fixed.length, near.ours.length]).toEqual([2, 5, 2]);
    const [ours, again] = near.ours as [TraceRun, TraceRun];
    expect(oursOf({ ours, again }).attainment).toBeCloseTo(0.9999, 10);
  });

  test('keeps time for ours', async () => {
    expect((await runsWith({ ours: [1, 1], a: [0.9985, 1], b: [1] }, 3)).ran).toEqual(['ours', 'a', 'ours']);
    expect((await runsWith({ ours: [1] }, 1)).ran).toEqual(['ours']);
  });
});
