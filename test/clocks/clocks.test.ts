/**
 * Hosts whose clocks are off by minutes, and run too fast or too slow, one against the other and all against the broker's: deadlines
 * hold all the same, because they are in the broker's time. nats-server and this test have the true time.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { connect, type RawAnswer, type SlacklineClient } from '@slackline/client';
import { BrokerTime, headerNames, parseAnswer, systemClock } from '@slackline/shared';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { leaderName, type Plant, startPlant } from '../harness/plant.js';

const fiveMinutesMs = 300_000;
const clocks = {
  'ingest-0': { offsetMs: fiveMinutesMs, driftPpm: 500 },
  'scheduler-0': { offsetMs: -fiveMinutesMs, driftPpm: -500 },
  'scheduler-1': { offsetMs: fiveMinutesMs, driftPpm: 2_000 },
  'gpu-worker-0': { offsetMs: -fiveMinutesMs, driftPpm: 500 },
  'gpu-worker-1': { offsetMs: 2 * fiveMinutesMs, driftPpm: -500 },
  profiler: { offsetMs: -2 * fiveMinutesMs },
};
const offset = pathToFileURL(fileURLToPath(new URL('offset.mjs', import.meta.url))).href;
const clockEnv = (more: object = {}) => ({
  NODE_OPTIONS: `--import=${offset}`,
  TEST_CLOCKS: JSON.stringify({ ...clocks, ...more }),
});
const model = 'imagenet';
const row = new Uint8Array(784);
/** What a loaded machine may take for an answer to reach us. */
const patienceMs = 1_000;

let plant: Plant;
let client: SlacklineClient;
beforeAll(async () => {
  plant = await startPlant({ workers: 2, schedulers: 2, env: { all: clockEnv() } });
}, 120_000);
afterAll(() => plant?.stop());
beforeEach(async () => {
  client = await connect({ url: plant.system.natsUrl });
});
afterEach(() => client.close());

/** Sends queries, `everyMs` apart, each with the same limit. */
async function sent(count: number, sloMs: number, everyMs: number): Promise<RawAnswer[]> {
  const answers: Promise<RawAnswer>[] = [];
  for (let i = 0; i < count; i += 1) {
    answers.push(new Promise((resolve) => client.send(model, row, { sloMs, timeoutMs: 30_000 }, resolve)));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return Promise.all(answers);
}

const outcomesOf = (answers: readonly RawAnswer[]) =>
  answers.map((each) => ('code' in each ? each.code : each.outcome));

/** When a process last wrote into its log, by its own clock. */
function saidAtMs(name: string): number {
  const line = plant.system.service(name).lastLines().at(-1) ?? '{}';
  return z.object({ time: z.number() }).parse(JSON.parse(line)).time;
}

/** While it runs, workers stand still. */
async function withoutWorkers<T>(work: () => Promise<T>): Promise<T> {
  for (const { name } of plant.system.workers) plant.system.signal(name, 'SIGSTOP');
  try {
    return await work();
  } finally {
    for (const { name } of plant.system.workers) plant.system.signal(name, 'SIGCONT');
    // They come back by themselves.
    await vi.waitFor(
      async () => {
        const { outcome } = await client.infer(model, row, { sloMs: 1_000 });
        expect(outcome).toBe('ok');
      },
      { timeout: 20_000, interval: 100 },
    );
  }
}

describe('with clocks that are off by minutes and drift', () => {
  it('the clocks are really off', () => {
    for (const [name, { offsetMs }] of Object.entries(clocks)) {
      expect(Math.abs(saidAtMs(name) - Date.now() - offsetMs)).toBeLessThan(120_000);
    }
  });

  it('queries are answered in time, with times that nobody’s clock has spoilt', async () => {
    const answers = await sent(100, 5_000, 10);
    expect(new Set(outcomesOf(answers))).toEqual(new Set(['ok']));
    for (const answer of answers) {
      if (!('queueMs' in answer)) throw new Error('an answer has no times');
      expect(answer.queueMs).toBeGreaterThan(-5);
      expect(answer.queueMs + answer.inferenceMs).toBeLessThan(answer.roundTripMs + 5);
    }
  });

  it('nothing expires before its time, or is called in time after it', async () => {
    const sloMs = 1_000;
    const answers = await withoutWorkers(() => sent(20, sloMs, 5));
    for (const answer of answers) {
      const { outcome, roundTripMs } = answer;
      // Two batches were with the workers before they were seen to stand still: their queries may come back late, or be lost twice.
      expect(['expired', 'late', 'failed']).toContain(outcome);
      if (outcome === 'failed') continue;
      // What the least batch takes, and the overhead that is reckoned with, is when a query is given up before its deadline.
      expect(roundTripMs).toBeGreaterThan(sloMs - 100);
      if (outcome === 'expired') expect(roundTripMs).toBeLessThan(sloMs + patienceMs);
    }
    expect(outcomesOf(answers)).toContain('expired');
  });

  it('a deadline in the broker’s time is honoured, however it is written and whoever is off', async () => {
    const { bus, subjects } = plant;
    const time = new BrokerTime(bus, subjects, systemClock, pino({ level: 'silent' }));
    await time.start();
    // Here the broker's time is the true one.
    expect(Math.abs(time.nowMs() - Date.now())).toBeLessThan(patienceMs);
    const ask = async (deadlineMs: number) => {
      const headers = { [headerNames.deadline]: deadlineMs.toFixed(3) };
      const answer = parseAnswer(await bus.request(subjects.infer(model), row, { timeoutMs: 10_000, headers }));
      return 'code' in answer ? answer.code : answer.outcome;
    };
    expect(await ask(time.nowMs() + 5_000)).toBe('ok');
    expect(await ask(time.nowMs() - 1_000)).toBe('wrong_deadline');
    // By the clocks of all services but one this would lie in the future, or within what is allowed.
    expect(await ask(time.nowMs() + fiveMinutesMs)).toBe('wrong_deadline');
    // Less than any batch takes: refused or expired, but never answered in time.
    expect(['wrong_deadline', 'expired']).toContain(await ask(time.nowMs() + 0.5));
    await time.stop();
  });

  it('a producer whose clock says that a deadline has passed waits for the answer all the same', async () => {
    const [atMs, monotonicMs] = [Date.now(), performance.now()];
    const trueMs = () => atMs + performance.now() - monotonicMs;
    const ahead = vi.spyOn(Date, 'now').mockImplementation(() => trueMs() + fiveMinutesMs);
    try {
      const outcome = await withoutWorkers(async () => {
        // Both workers have something in hand when the query comes: it waits until it expires.
        const others = sent(8, 1_000, 50);
        const answer = await client.infer(model, row, { deadline: trueMs() + 3_000 });
        await others;
        return answer.outcome;
      });
      expect(outcome).toBe('expired');
    } finally {
      ahead.mockRestore();
    }
  });

  it.each([fiveMinutesMs, -fiveMinutesMs])(
    'a producer that is off by %i ms gets its answers, and gives no query up too soon',
    async (offsetMs) => {
      const told = z.object({ answers: z.array(z.string()), past: z.string(), wallOffMs: z.number() });
      const child = fork(fileURLToPath(new URL('producer.mjs', import.meta.url)), [plant.system.natsUrl, model], {
        env: { ...process.env, ...clockEnv({ producer: { offsetMs, driftPpm: 500 } }), INSTANCE_NAME: 'producer' },
        execArgv: [],
      });
      const exited = once(child, 'exit');
      const [message] = await once(child, 'message');
      const { answers, past, wallOffMs } = told.parse(message);
      expect(wallOffMs / offsetMs).toBeCloseTo(1, 1);
      expect(new Set(answers)).toEqual(new Set(['ok']));
      expect(past).toBe('wrong_deadline');
      await exited;
    },
  );

  it('a standby whose clock is ten minutes ahead of the leader’s takes over, and nothing is lost or answered twice', async () => {
    const leader = await leaderName(plant);
    const sending = sent(150, 8_000, 20);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await plant.system.kill(leader);
    const answers = await sending;
    expect(new Set(outcomesOf(answers))).toEqual(new Set(['ok']));
    expect(client.counts.tooLate).toBe(0);
    expect(await leaderName(plant)).not.toBe(leader);
    await plant.system.start(leader);
  }, 60_000);
});
