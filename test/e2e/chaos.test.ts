/** `slackline chaos` on real processes: every kind of fault for a few seconds, and verdicts that must be lost. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ChaosDocument,
  type ChaosRun,
  type Evidence,
  type FaultSeries,
  ownTarget,
  ProcessProxies,
  planFaults,
  planLines,
  readHypothesis,
  readSeries,
  runChaos,
  verdictOn,
} from '@slackline/chaos';
import type { Serving } from '@slackline/cli';
import { TemporaryFolder } from '@slackline/local';
import { defaultPolicy } from '@slackline/scheduling';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveEmulated, slowedV100 } from './devices.js';
import { because, reasonToSkip, Slackline } from './slackline.js';

/** Long enough for a busy machine: what is tested is that nothing is lost, not how fast it is. */
const sloMs = 1_000;
const rate = 40;
const limitMs = 120_000;

describe.skipIf(reasonToSkip !== undefined)(`chaos${because}`, () => {
  const folder = new TemporaryFolder('chaos-test');
  const proxies = new ProcessProxies();
  let serving: Serving;

  beforeAll(async () => {
    const table = await slowedV100('imagenet', 'slow', 16, sloMs);
    const { natsUrlOf } = proxies;
    serving = await serveEmulated([table], 2, defaultPolicy, { schedulers: 2, ingests: 2, natsUrlOf });
  }, limitMs);
  afterAll(async () => {
    await serving?.stop();
    await proxies.close();
    folder.remove();
  });

  async function run(series: readonly FaultSeries[], seconds: number): Promise<ChaosRun> {
    const { system, bus, subjects, model } = serving;
    const plan = planFaults({
      ...{ series, seconds, seed: 1, everyMs: 60_000, forMs: 1_000, restoreMs: 300 },
      population: { worker: 2, scheduler: 2, ingest: 2, nats: 1 },
    });
    return runChaos({
      ...{
        target: ownTarget(system, { bus, subjects, proxies }),
        bus,
        subjects,
        storage: 'file',
        plan,
        seconds,
        sloMs,
      },
      load: {
        ...{ natsUrl: system.natsUrl, subjectPrefix: subjects.prefix, models: [{ entry: model, sloMs }] },
        arrivals: { kind: 'gamma', rate, seconds, cv2: 2, seed: 1 },
      },
      ...{ phaseMs: 1_000, floorAccuracy: 0.7, settleMs: 4_000, signal: new AbortController().signal },
    });
  }

  /** Nothing lost, nothing twice; whether the machine was quick enough for anything else is not asked. */
  function expectOneOutcome(evidence: Evidence) {
    const { invariants, metrics } = verdictOn(evidence, []);
    const broken = invariants.slice(0, 2).filter(({ state }) => state !== 'pass');
    expect(broken).toEqual([]);
    expect(evidence.faults.map(({ error }) => error)).toEqual(evidence.plan.map(() => null));
    expect(metrics).toMatchObject({ lost: 0, duplicatesVisible: 0, neverAccepted: 0 });
    expect(metrics.ok).toBeGreaterThan(0);
    return verdictOn(evidence, []);
  }

  let sound: Evidence | undefined;

  it('to workers: killed, paused and cut off', { timeout: limitMs }, async () => {
    const { evidence } = await run(
      [
        readSeries('kill', 'worker:from=1s,count=1'),
        readSeries('pause', 'worker:from=3s,count=1'),
        readSeries('cut', 'worker:from=5s,count=1,drop'),
      ],
      7.5,
    );
    const { metrics } = expectOneOutcome(evidence);
    expect(metrics).toMatchObject({ killed: 1, faultsDone: 3 });
    // The witness heard what the stream stored, and whose batches they were in.
    expect(evidence.witnessed.queries.size).toBeGreaterThanOrEqual(metrics.accepted);
    const batched = new Set(evidence.witnessed.batches.flatMap(({ queries }) => queries));
    expect(evidence.queries.filter(({ id, outcome }) => outcome === 'ok' && !batched.has(id))).toEqual([]);
    sound = evidence;
  });

  it('to schedulers and ingests: the leader killed and restarted, ingests killed and cut off', {
    timeout: limitMs,
  }, async () => {
    const { evidence } = await run(
      [
        readSeries('kill', 'scheduler:from=1s,count=1'),
        readSeries('kill', 'ingest:from=2s,count=1'),
        readSeries('restart', 'scheduler:from=4s,count=1'),
        readSeries('cut', 'ingest:from=5s,count=1,reset'),
      ],
      7.5,
    );
    const { metrics, faults } = expectOneOutcome(evidence);
    expect(metrics).toMatchObject({ killed: 2, faultsDone: 4 });
    const leaders = faults.filter(({ fault }) => fault.planned.role === 'scheduler');
    expect(leaders.map(({ fault, servedMs }) => fault.led && servedMs !== null)).toEqual([true, true]);
    expect(new Set(evidence.witnessed.batches.map(({ token }) => token)).size).toBeGreaterThanOrEqual(3);
  });

  it('to the broker, with its streams in files', { timeout: limitMs }, async () => {
    const { evidence } = await run([readSeries('kill', 'nats:from=1500ms,count=1,restore=500ms')], 6);
    const { metrics } = expectOneOutcome(evidence);
    expect(metrics).toMatchObject({ killed: 1, servedMs: { count: 1 } });
    expect(evidence.witnessed.gaps).toHaveLength(1);
  });

  it('loses its verdict when one outcome is taken away from a run that was sound', () => {
    if (sound === undefined) throw new Error('there was no sound run');
    const taken = sound.queries.findIndex(({ outcome }) => outcome === 'ok');
    const doctored = sound.queries.map((query, i) =>
      i === taken ? { ...query, outcome: 'unanswered' as const, endedMs: null, accuracy: null, replies: 0 } : query,
    );
    const { verdict, metrics, invariants } = verdictOn({ ...sound, queries: doctored }, [readHypothesis('lost=0')]);
    expect({ verdict, lost: metrics.lost, first: invariants[0]?.state }).toEqual({
      verdict: 'fail',
      lost: 1,
      first: 'fail',
    });
    const twice = sound.queries.map((query, i) => (i === taken ? { ...query, replies: 2 } : query));
    expect(verdictOn({ ...sound, queries: twice }, []).invariants[1]?.state).toBe('fail');
  });

  it('on a system that runs: pauses a worker, and refuses what only its owner can do', {
    timeout: limitMs,
  }, async () => {
    const nats = ['chaos', '--nats', serving.system.natsUrl, '--rate', String(rate)];
    const refused = await Slackline.start([...nats, '--cut', 'worker', '--json']);
    expect((await refused.exited).code).toBe(2);
    expect(JSON.parse(refused.stdout.at(-1) ?? '')).toMatchObject({ error: { code: 'chaos_unsupported' } });
    await refused.cleanUp();

    const command = [
      ...nats,
      '--pause',
      'worker:from=1s,for=500ms,count=1',
      '--seconds',
      '3',
      '--slo-ms',
      String(sloMs),
    ];
    const { document, code } = await resultOf(command);
    expect(document).toMatchObject({ workers: null, lost: 0, duplicatesVisible: 0, faultsDone: 1, storage: 'file' });
    expect(document.faults).toMatchObject([{ kind: 'pause', role: 'worker', error: null }]);
    expect(code).toBe(document.verdict === 'pass' ? 0 : 1);
  });

  it('ends with 1 by a hypothesis that cannot hold, and leaves a report that can be run again', {
    timeout: limitMs,
  }, async () => {
    const out = join(folder.path, 'report');
    const command = ['chaos', '--kill', 'worker:from=1s,count=1', '--workers', '2', '--seconds', '4', '--rate', '30'];
    const { document, code, stderr } = await resultOf([
      ...command,
      '--seed',
      '7',
      '--hypothesis',
      'ok>1000000',
      '--out',
      out,
    ]);
    expect(code).toBe(1);
    expect(document).toMatchObject({ verdict: 'fail', lost: 0, killed: 1, seed: 7, executor: 'emulated', workers: 2 });
    expect(document.hypotheses).toMatchObject([{ hypothesis: 'ok>1000000', state: 'fail' }]);
    expect(document.invariants.slice(0, 2).map(({ state }) => state)).toEqual(['pass', 'pass']);
    expect(document.replay).toContain('--seed 7');
    const population = { worker: 2, scheduler: 1, ingest: 1, nats: 1 };
    const series = [readSeries('kill', 'worker:from=1s,count=1')];
    expect(document.plan).toEqual(
      planFaults({ series, seconds: 4, seed: 7, everyMs: 5_000, forMs: 2_000, population }),
    );
    for (const line of planLines(document.plan)) expect(stderr).toContain(line);
    expect(JSON.parse(await readFile(join(out, 'report.json'), 'utf8'))).toEqual(document);
    expect(await readFile(join(out, 'report.md'), 'utf8')).toContain('ok>1000000');
    expect(await readFile(join(out, 'timeline.svg'), 'utf8')).toMatch(/^<svg/);
  });
});

async function resultOf(args: readonly string[]) {
  const run = await Slackline.start([...args, '--json']);
  try {
    const { code } = await run.exited;
    const stderr = run.stderr.join('\n');
    const last = run.stdout.at(-1);
    if (last === undefined) throw new Error(`it ended with ${code} and said nothing:\n${stderr}`);
    return { code, stderr, document: JSON.parse(last) as ChaosDocument };
  } finally {
    await run.cleanUp();
  }
}
