import { readFileSync } from 'node:fs';
import { latencyProfile } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../errors.js';
import { readOptions } from '../options.js';
import { capacityNotes } from './capacity.js';
import { chaosDevice } from './emulated-device.js';
import { chaosOptions } from './options.js';
import { checkRunning } from './running.js';
import { planOf, populationOf, replayOf, setupOf } from './setup.js';

const choices = (given: Record<string, unknown>) => readOptions(chaosOptions, given);
const setup = (given: Record<string, unknown>) => setupOf(choices(given));

describe('the options of chaos', () => {
  it('may be repeated, and are emulated workers unless something else is said', () => {
    const { kill, pause, executor, restore, hypothesis } = choices({
      ...{ kill: ['worker:every=12s', 'scheduler'], pause: ['ingest'], hypothesis: ['lost=0', 'attainment>=99%'] },
    });
    expect(kill.map(({ role }) => role)).toEqual(['worker', 'scheduler']);
    expect(pause).toMatchObject([{ kind: 'pause', role: 'ingest' }]);
    expect(hypothesis.map(({ value }) => value)).toEqual([0, 0.99]);
    expect({ executor, restore }).toEqual({ executor: 'emulated', restore: undefined });
    expect(choices({ kill: ['worker'], restore: true }).restore).toBe(1_000);
    expect(choices({ kill: ['worker'], restore: '2s' }).restore).toBe(2_000);
    expect(choices({ kill: ['worker'], executor: 'onnxruntime' }).executor).toBe('cpu');
  });

  it.each([
    [{ kill: ['gpu'] }, /^invalid_option: --kill takes a role .*, not "gpu"/],
    [{ cut: ['worker:slow'] }, /--cut takes .*half-open=out, not "worker:slow"/],
    [{ every: '0s' }, /--every takes a time above 0/],
    [{ jitter: '2' }, /--jitter takes a share from 0 to 1/],
    [{ hypothesis: ['speed>1'] }, /--hypothesis takes <metric>/],
    [{ preset: 'papers' }, /--preset takes paper, failover/],
    [{ storage: 'disk' }, /--storage takes memory or file/],
    [{ schedulers: '0' }, /--schedulers takes a whole number/],
  ])('%j is refused in one sentence', (given, sentence) => {
    expect(() => choices(given)).toThrow(sentence);
    expect(() => choices(given)).toThrow(OptionError);
  });
});

describe('a run', () => {
  it('is its preset, and what is said beside it wins', () => {
    const paper = setup({ preset: 'paper', workers: '4', hypothesis: ['late=0'] });
    expect(paper).toMatchObject({ workers: 4, seconds: 60, everyMs: 12_000, arrivalPattern: 'gamma', burstiness: 0.5 });
    expect(paper.hypotheses.map(({ text }) => text)).toContain('attainment>=0.999');
    expect(paper.hypotheses.at(-1)?.text).toBe('late=0');
    const other = setup({ preset: 'paper', pause: ['worker'] });
    expect(other.series).toMatchObject([{ kind: 'pause' }]);
    expect(other.hypotheses).toEqual([]);
  });

  it('has a second process of a role that is hit, so that there is somebody to go on', () => {
    expect(populationOf(setup({ kill: ['scheduler'], workers: '3' }))).toEqual({
      worker: 3,
      scheduler: 2,
      ingest: 1,
      nats: 1,
    });
    expect(populationOf(setup({ cut: ['ingest'], schedulers: '3', workers: '1' }))).toMatchObject({
      scheduler: 3,
      ingest: 2,
    });
  });

  it('needs something to happen', () => {
    expect(() => setup({})).toThrow(OptionError);
  });

  it('is refused where its plan is empty, with the reason', () => {
    const plan = (given: Record<string, unknown>) => {
      const run = setup(given);
      return planOf(run, { seconds: run.seconds, seed: 1, population: populationOf(run) });
    };
    expect(() => plan({ kill: ['worker'], workers: '1' })).toThrow(/^invalid_option: .*at most half of the workers/);
    expect(() => plan({ kill: ['worker'], every: '5s', seconds: '3' })).toThrow(OptionError);
    expect(plan({ kill: ['worker'], workers: '2' })).toHaveLength(1);
  });

  it.each([
    [['--workers', '3'], { pause: ['worker'], workers: '3' }, 'invalid_option', '--workers is for'],
    [['--storage=file'], { pause: ['worker'], storage: 'file' }, 'invalid_option', 'leave out --storage'],
    [['--restore'], { kill: ['worker'], restore: true }, 'invalid_option', 'leave out --restore'],
    [[], { kill: ['worker:restore=1s'] }, 'chaos_unsupported', 'leave out restore='],
    [[], { cut: ['worker'] }, 'chaos_unsupported', 'cut worker'],
    [[], { preset: 'rolling' }, 'chaos_unsupported', 'leave out --preset rolling'],
  ] as const)('of a system that runs refuses %j %j, and says what to do', (args, given, code, text) => {
    const wanted = { nats: 'nats://127.0.0.1:4222', rate: '10', ...given };
    const check = () => checkRunning(args, choices(wanted), setup(wanted));
    expect(check).toThrow(expect.objectContaining({ code, exitCode: 2, message: expect.stringContaining(text) }));
  });

  it('of a system that runs takes kills and pauses', () => {
    const wanted = { nats: 'nats://127.0.0.1:4222', rate: '10', kill: ['worker'], pause: ['scheduler'] };
    expect(() => checkRunning(['--nats', 'x', '--rate', '10'], choices(wanted), setup(wanted))).not.toThrow();
  });

  it('says how to run it again, with what it chose itself', () => {
    const given = { kill: ['worker:from=1s,count=1'], hypothesis: ['attainment>=0.9'], out: '/tmp/report' };
    const args = [
      '--kill',
      'worker:from=1s,count=1',
      '--hypothesis',
      'attainment>=0.9',
      '--out',
      '/tmp/report',
      '--json',
    ];
    const replay = replayOf(args, choices(given), setup(given), 437.5);
    expect(replay).toBe(
      "npx slackline chaos --kill worker:from=1s,count=1 --hypothesis 'attainment>=0.9' --seed 1 --seconds 30 --rate 437.5",
    );
    expect(replayOf(['--seed=3', '--rate', '9'], choices({ ...given, seed: '3' }), setup(given), 9)).not.toMatch(
      /--rate 9.*--rate/,
    );
  });
});

describe('the emulated device', () => {
  const profileOf = (file: string) =>
    latencyProfile.pick({ subnets: true, batches: true }).parse(JSON.parse(readFileSync(file, 'utf8')));

  it.each([
    [8, 2, undefined, 437.5, 8],
    [8, 64, undefined, 3_500, 1],
    [4, 2, undefined, 437.5, 4],
    [8, 2, 175, 175, 20],
  ])(
    'of %d workers on %d cores (asked: %s) has %d queries a second, %d times slower',
    (workers, cores, asked, rate, times) => {
      const device = chaosDevice(workers, cores, asked);
      try {
        expect(device.rate).toBe(rate);
        // One query on the smallest subnet takes 1.32 ms on the table's device.
        expect(profileOf(device.file).subnets[0]?.p50Ms[0]).toBeCloseTo(1.32 * times);
      } finally {
        device.remove();
      }
    },
  );
});

describe('what a pool can bear', () => {
  const subnets = [
    { id: 'small', accuracy: 0.7, p50Ms: [1, 2], p99Ms: [1, 2] },
    { id: 'large', accuracy: 0.8, p50Ms: [10, 40], p99Ms: [10, 40] },
  ];
  const profile = { batches: [1, 8], subnets } as unknown as Parameters<typeof capacityNotes>[0];

  it('is reckoned with the best batch that fits the limit', () => {
    const [note = ''] = capacityNotes(profile, { sloMs: 30, workers: 4, left: 2, rate: 350 });
    expect(note).toContain(
      '4 workers on large bear at most 400 queries a second (4 × 1 in 10 ms, the best batch within 30 ms): enough',
    );
    expect(note).toContain(
      '2 workers on large bear at most 200 queries a second (2 × 1 in 10 ms, the best batch within 30 ms): less than',
    );
    expect(note).toContain('2 workers on small bear at most 8000 queries a second (2 × 8 in 2 ms');
    expect(capacityNotes(profile, { sloMs: 50, workers: 4, left: 4, rate: 350 })[0]).toContain('4 × 8 in 40 ms');
  });
});
